//! A key's versions reach the log in order at first occurrence, whatever fails, and all of them do.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::prelude::*;
use tokio::{runtime, task::JoinSet, time::sleep};

use crate::{
    log::{End, MemoryLog},
    outbox::MemoryOutbox,
    running::{Numbers, Running, key_of, keys_beside, message},
};

/// How often an aggregate is saved.
const VERSIONS: u64 = 80;

/// Saves one aggregate again and again, each time after the last: an id is taken, then the transaction ends, some time
/// later. Some are rolled back, and their ids are lost.
async fn saves(outbox: Arc<MemoryOutbox>, key: String, mut numbers: Numbers, longest_ms: u64) {
    for version in 1..=VERSIONS {
        while numbers.below(10) == 0 {
            outbox.begin();
        }
        let id = outbox.begin();
        sleep(Duration::from_millis(numbers.below(longest_ms))).await;
        outbox.commit(id, message(&key, version));
        sleep(Duration::from_millis(numbers.below(5))).await;
    }
}

fn all_save(running: &Running, keys: &[String], numbers: &mut Numbers, longest_ms: u64) -> JoinSet<()> {
    let mut writers = JoinSet::new();
    for key in keys {
        let numbers = Numbers(numbers.below(u64::MAX));
        writers.spawn(saves(Arc::clone(&running.outbox), key.clone(), numbers, longest_ms));
    }
    writers
}

/// Relays are killed at random while others stand by; appends are slow, fail, or lose their answer.
async fn everything_fails(seed: u64, keys: Vec<String>) -> Running {
    let mut numbers = Numbers(seed);
    let mut schedule = Numbers(numbers.below(u64::MAX));
    let running = Running::new(MemoryLog::new(move |_| {
        let takes = if schedule.below(20) == 0 { 3_000 } else { schedule.below(30) };
        let end = match schedule.below(10) {
            0 => End::Failed,
            1 => End::AnswerLost,
            _ => End::Well,
        };
        (Duration::from_millis(takes), end)
    }));
    let writers = all_save(&running, &keys, &mut numbers, 50);
    for n in 0..3 {
        let (_stop, relay) = running.relay(&n.to_string());
        sleep(Duration::from_millis(numbers.below(2_500))).await;
        relay.abort();
    }
    let (_stop, _relay) = running.relay("last");
    writers.join_all().await;
    running.until(|running| running.outbox.backlog() == 0).await;
    running
}

/// `backlog` messages wait for a partition that is away, so that there is little room for others on the first page, and
/// the page ends among messages whose transactions are under way.
async fn one_is_away(seed: u64, backlog: u64, longest_ms: u64, keys: Vec<String>) -> Running {
    let mut numbers = Numbers(seed);
    let mut schedule = Numbers(numbers.below(u64::MAX));
    let running = Running::new(MemoryLog::new(move |partition| {
        let end = if partition == 0 { End::Failed } else { End::Well };
        (Duration::from_millis(50 + schedule.below(250)), end)
    }));
    for version in 1..=backlog {
        running.outbox.write(message(&key_of(0), version));
    }
    let (_stop, _relay) = running.relay("a");
    all_save(&running, &keys, &mut numbers, longest_ms).join_all().await;
    running.until(|running| running.outbox.backlog() as u64 == backlog).await;
    running.log.heals();
    running.until(|running| running.outbox.backlog() == 0).await;
    running
}

/// The first of two lanes fails at once and has rested before the other one, which is slow, has failed, too: what the
/// first one left must not be overtaken by what lies on a later page.
#[tokio::test(start_paused = true)]
async fn a_lane_that_failed_is_left_alone_for_the_round_though_its_rest_is_over() {
    let mut tries = 0;
    let running = Running::new(MemoryLog::new(move |partition| {
        tries += u32::from(partition == 1);
        match partition {
            1 if tries > 2 => (Duration::from_millis(1), End::Well),
            2 => (Duration::from_millis(300), End::Failed),
            _ => (Duration::from_millis(1), End::Failed),
        }
    }));
    let write = |partition, versions| {
        for version in versions {
            running.outbox.write(message(&key_of(partition), version));
        }
    };
    write(1, 1..=10);
    write(2, 1..=10);
    write(0, 1..=2_500);
    write(1, 11..=20);
    let (_stop, _relay) = running.relay("a");
    running.until(|running| running.log.count(1) >= 20).await;
    assert_eq!(running.log.first_occurrences()[&key_of(1)], (1..=20).collect::<Vec<_>>());
}

fn in_virtual_time(work: impl Future<Output = Running>) -> BTreeMap<String, Vec<u64>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(work).log.first_occurrences()
}

fn expected(keys: &[String]) -> BTreeMap<String, Vec<u64>> {
    keys.iter().map(|key| (key.clone(), (1..=VERSIONS).collect())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn failures_slow_lanes_and_killed_relays_do_not_mix_up_a_key(seed: u64) {
        let keys: Vec<_> = (0..12).map(|n| format!("key-{n}")).collect();
        prop_assert_eq!(in_virtual_time(everything_fails(seed, keys.clone())), expected(&keys));
    }

    #[test]
    fn neither_does_reading_past_messages_that_wait(
        seed: u64,
        backlog in 1_600..2_100_u64,
        longest_ms in 20..150_u64,
    ) {
        let keys = keys_beside(0, 30);
        let versions = in_virtual_time(one_is_away(seed, backlog, longest_ms, keys.clone()));
        let mut expected = expected(&keys);
        expected.insert(key_of(0), (1..=backlog).collect());
        prop_assert_eq!(versions, expected);
    }
}
