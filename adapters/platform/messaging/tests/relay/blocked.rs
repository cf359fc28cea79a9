//! A partition that is away holds up no other, however much waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    log::{End, MemoryLog},
    running::{Running, key_of, message},
};

/// More than a relay reads at once, twice over.
const WAITING: u64 = 4_500;

/// Partition 0 does not work.
fn partly_dead(takes: Duration) -> MemoryLog {
    MemoryLog::new(move |partition| match partition {
        0 => (takes, End::Failed),
        _ => (Duration::from_millis(1), End::Well),
    })
}

fn fill(running: &Running) {
    for version in 1..=WAITING {
        running.outbox.write(message(&key_of(0), version));
    }
}

#[tokio::test(start_paused = true)]
async fn others_get_past_what_waits_and_it_follows_when_it_can() {
    let running = Running::new(partly_dead(Duration::from_millis(1)));
    fill(&running);
    for version in 1..=3_000 {
        running.outbox.write(message(&key_of(1), version));
    }
    let (stop, relay) = running.relay("a");
    running.until(|running| running.log.count(1) == 3_000).await;
    assert_eq!(running.log.count(0), 0);
    running.log.heals();
    running.until(|running| running.outbox.backlog() == 0).await;
    stop.send_replace(true);
    relay.await.unwrap();
    for (key, versions) in running.log.first_occurrences() {
        let last = if key == key_of(0) { WAITING } else { 3_000 };
        assert_eq!(versions, (1..=last).collect::<Vec<_>>(), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn others_get_past_more_than_a_lease_is_long() {
    const MANY: u64 = 90_000;
    let running = Running::new(partly_dead(Duration::from_millis(1)));
    running.outbox.slow_reads.store(200, Ordering::Relaxed);
    for version in 1..=MANY {
        running.outbox.write(message(&key_of(0), version));
    }
    let (_stop, _relay) = running.relay("a");
    running.outbox.write(message(&key_of(1), 1));
    let written = Instant::now();
    running.until(|running| running.log.count(1) == 1).await;
    // Forty-odd pages of 200 ms each, twice: seen in one round, sent in the next.
    assert!(written.elapsed() < Duration::from_secs(40), "it took {:?}", written.elapsed());
    assert_eq!(running.log.count(0), 0);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_always_answers_late_gets_all_that_waits_for_it() {
    let running = Running::new(MemoryLog::new(|_| (Duration::from_secs(1), End::Well)));
    fill(&running);
    let (_stop, _relay) = running.relay("a");
    let begun = Instant::now();
    running.until(|running| running.outbox.backlog() == 0).await;
    assert!(begun.elapsed() < Duration::from_mins(1), "it took {:?}", begun.elapsed());
    assert_eq!(running.log.count(0) as u64, WAITING, "each once");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_delays_nobody_else() {
    let running = Running::new(partly_dead(Duration::from_mins(50)));
    fill(&running);
    let (_stop, _relay) = running.relay("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let written = Instant::now();
    running.outbox.write(message(&key_of(1), 1));
    running.until(|running| running.log.count(1) == 1).await;
    assert!(written.elapsed() < Duration::from_secs(3), "it took {:?}", written.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_away_is_tried_less_and_less_often() {
    let tries = Arc::new(AtomicU64::new(0));
    let counted = tries.clone();
    let running = Running::new(MemoryLog::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        (Duration::from_millis(1), End::Failed)
    }));
    running.outbox.write(message("a", 1));
    let (_stop, _relay) = running.relay("a");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let tries = tries.load(Ordering::Relaxed);
    assert!((10..=25).contains(&tries), "{tries} in a minute");
}
