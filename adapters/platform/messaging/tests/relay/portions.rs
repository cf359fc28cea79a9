//! A backlog is read in portions that fit into memory, and yet fast.

use std::{sync::atomic::Ordering, time::Duration};

use kernel_application::messaging::MAX_PAYLOAD;
use tokio::time::Instant;

use crate::{
    log::{End, MemoryLog},
    running::{Running, message},
};

const MIB: usize = 1024 * 1024;

/// All partitions work, the first one with little speed.
fn one_is_slow() -> MemoryLog {
    MemoryLog::new(|partition| match partition {
        0 => (Duration::from_secs(1), End::Well),
        _ => (Duration::from_millis(1), End::Well),
    })
}

#[tokio::test(start_paused = true)]
async fn a_backlog_of_large_messages_does_not_fill_the_memory() {
    let running = Running::new(one_is_slow());
    running.outbox.weight.store(MAX_PAYLOAD, Ordering::Relaxed);
    for version in 1..=500 {
        running.outbox.write(message(&format!("key-{}", version % 50), version));
    }
    let (stop, relay) = running.relay("a");
    running.until(|running| running.outbox.backlog() == 0).await;
    stop.send_replace(true);
    relay.await.unwrap();
    let read = running.outbox.read.lock().unwrap();
    assert!(read[0] <= 32 * MIB, "{} MiB before anything was known", read[0] / MIB);
    let most = read[1..].iter().max().unwrap();
    assert!(*most <= 4 * MIB, "{} MiB at once", most / MIB);
    // Each of the four lanes has at most a page under way, beside the page in hand.
    assert!(running.log.most_under_way() <= 36 * MIB, "{} MiB", running.log.most_under_way() / MIB);
    assert!(running.log.first_occurrences().values().all(|versions| versions.is_sorted()));
}

#[tokio::test(start_paused = true)]
async fn a_backlog_of_small_messages_leaves_fast() {
    let running = Running::new(MemoryLog::new(|_| (Duration::from_millis(10), End::Well)));
    running.outbox.weight.store(600, Ordering::Relaxed);
    for version in 1..=40_000 {
        running.outbox.write(message(&format!("key-{}", version % 50), version));
    }
    let begun = Instant::now();
    let (_stop, _relay) = running.relay("a");
    running.until(|running| running.outbox.backlog() == 0).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
}
