//! A relay works only while it can rely on its lease, and asks for figures seldom.

use std::{sync::atomic::Ordering, time::Duration};

use crate::{
    log::{End, MemoryLog},
    running::{Running, key_of, message},
};

fn healthy() -> MemoryLog {
    MemoryLog::new(|_| (Duration::from_millis(1), End::Well))
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_the_lease_may_be_lost() {
    let running = Running::new(healthy());
    let (_stop, _relay) = running.relay("a");
    running.outbox.write(message(&key_of(0), 1));
    running.until(|running| running.log.count(0) == 1).await;
    running.outbox.no_leases.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(6)).await;
    running.outbox.write(message(&key_of(0), 2));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(running.log.count(0), 1);
    running.outbox.no_leases.store(false, Ordering::Relaxed);
    running.until(|running| running.log.count(0) == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_relay_is_replaced_when_its_lease_is_over() {
    let running = Running::new(healthy());
    let (_stop, first) = running.relay("a");
    running.outbox.write(message(&key_of(0), 1));
    running.until(|running| running.outbox.backlog() == 0).await;
    let (_stop, _second) = running.relay("b");
    first.abort();
    running.outbox.write(message(&key_of(0), 2));
    let killed = tokio::time::Instant::now();
    running.until(|running| running.outbox.backlog() == 0).await;
    assert!(killed.elapsed() < Duration::from_secs(8), "it took {:?}", killed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_counted_once_a_second_at_most() {
    let running = Running::new(healthy());
    let (_stop, _relay) = running.relay("a");
    for version in 1..=1_000 {
        running.outbox.write(message("a", version));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.until(|running| running.outbox.backlog() == 0).await;
    let asked = running.outbox.asked_for_stats.load(Ordering::Relaxed);
    assert!((9..=11).contains(&asked), "{asked} times in ten seconds");
}
