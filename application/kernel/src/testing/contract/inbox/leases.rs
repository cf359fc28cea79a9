//! Members and leases: who reads which partition.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{CONSUMER, InboxBench, TOPIC, take};
use crate::testing::contract::{LONG, SHORT, eventually};

/// Members count until they leave or their time is over, each once and for its consumer only.
pub async fn counts_who_is_alive(bench: &impl InboxBench) {
    let inbox = bench.inbox();
    assert_eq!(inbox.join(CONSUMER, "a", LONG).await.unwrap(), 1);
    assert_eq!(inbox.join(CONSUMER, "b", LONG).await.unwrap(), 2);
    assert_eq!(inbox.join(CONSUMER, "a", LONG).await.unwrap(), 2, "once, however often it says so");
    assert_eq!(inbox.join("other", "a", LONG).await.unwrap(), 1);
    inbox.leave(CONSUMER, "b").await.unwrap();
    inbox.leave(CONSUMER, "nobody").await.unwrap();
    assert_eq!(inbox.join(CONSUMER, "a", LONG).await.unwrap(), 1);
    inbox.join(CONSUMER, "c", SHORT).await.unwrap();
    eventually(async || (inbox.join(CONSUMER, "a", LONG).await.unwrap() == 1).then_some(())).await;
}

/// A consumer that is new begins where it is told, one that is not goes on where it was; nobody holds it by that.
pub async fn a_new_consumer_begins_where_it_is_told(bench: &impl InboxBench) {
    let inbox = bench.inbox();
    inbox.begin(CONSUMER, TOPIC, 0, 17).await.unwrap();
    inbox.begin(CONSUMER, TOPIC, 0, 40).await.unwrap();
    let position = take(bench, "a", LONG).await.unwrap();
    assert_eq!(position.next_offset, 17);
    inbox.release(CONSUMER, TOPIC, 0, position.epoch).await.unwrap();
    let again = take(bench, "b", LONG).await.unwrap();
    assert_eq!(again.next_offset, 17, "whoever comes next, though nothing was read");
    inbox.begin(CONSUMER, TOPIC, 0, 99).await.unwrap();
    assert_eq!(take(bench, "b", LONG).await.unwrap().next_offset, 17);
}

/// A partition is held by one owner; partitions, topics and consumers do not mix.
pub async fn a_partition_has_one_owner(bench: &impl InboxBench) {
    let inbox = bench.inbox();
    let first = take(bench, "a", LONG).await.unwrap();
    assert_eq!(first.next_offset, 0);
    assert_eq!(take(bench, "b", LONG).await, None);
    let again = take(bench, "a", LONG).await.unwrap();
    assert!(again.epoch > first.epoch, "whoever takes it, the epoch grows");
    for (consumer, topic, partition) in [(CONSUMER, TOPIC, 1), (CONSUMER, "others", 0), ("other", TOPIC, 0)] {
        let taken = inbox.take(consumer, topic, partition, "b", LONG).await.unwrap();
        assert!(taken.is_some(), "{consumer} {topic} {partition}");
    }
}

/// When a lease is over, another owner takes the partition, and the old one learns it.
pub async fn a_lease_that_is_over_is_taken_over(bench: &impl InboxBench) {
    let old = take(bench, "a", SHORT).await.unwrap();
    let new = eventually(async || take(bench, "b", LONG).await).await;
    assert!(new.epoch > old.epoch);
    assert!(!bench.inbox().renew(CONSUMER, TOPIC, 0, old.epoch, LONG).await.unwrap());
    assert_eq!(take(bench, "a", LONG).await, None);
}

/// A renewal counts from now: the lease outlives its first time, and ends when the renewed one is over.
pub async fn a_renewed_lease_lasts(bench: &impl InboxBench) {
    let inbox = bench.inbox();
    let first = Duration::from_millis(300);
    let held = take(bench, "a", first).await.unwrap();
    assert!(inbox.renew(CONSUMER, TOPIC, 0, held.epoch, LONG).await.unwrap());
    let end = Instant::now() + first * 2;
    while Instant::now() < end {
        assert_eq!(take(bench, "b", LONG).await, None);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(inbox.renew(CONSUMER, TOPIC, 0, held.epoch, SHORT).await.unwrap());
    eventually(async || take(bench, "b", LONG).await).await;
}

/// Giving up is at once, keeps the position, and is nothing an old epoch can do.
pub async fn a_released_partition_is_free_at_once(bench: &impl InboxBench) {
    let inbox = bench.inbox();
    let first = take(bench, "a", LONG).await.unwrap();
    bench.apply(&super::delivery(first, 1)).await.unwrap();
    inbox.release(CONSUMER, TOPIC, 0, first.epoch).await.unwrap();
    let second = take(bench, "b", LONG).await.unwrap();
    assert_eq!(second.next_offset, 1);
    assert!(second.epoch > first.epoch);
    inbox.release(CONSUMER, TOPIC, 0, first.epoch).await.unwrap();
    assert_eq!(take(bench, "a", LONG).await, None, "it is b's");
    assert!(inbox.renew(CONSUMER, TOPIC, 0, second.epoch, LONG).await.unwrap());
}

/// Of many that ask at once for a partition nobody has read yet, one gets it.
pub async fn one_of_many_takes_a_partition(bench: impl InboxBench) {
    let mut asking = JoinSet::new();
    for n in 0..20 {
        let inbox = bench.inbox();
        asking.spawn(async move { inbox.take(CONSUMER, TOPIC, 0, &n.to_string(), LONG).await.unwrap() });
    }
    assert_eq!(asking.join_all().await.into_iter().flatten().count(), 1);
}
