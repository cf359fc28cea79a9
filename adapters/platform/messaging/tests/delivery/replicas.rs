//! Several processes of one context share the work, whichever of them comes and goes.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use kernel_application::messaging::{EventLog, OutboundMessage, partition_for};
use platform_messaging::topics;
use platform_testkit::{PATIENCE, eventually};

use crate::bench::{Bench, CONSUMER, TOPIC, Worker, event};

const TOPICS: [&str; 2] = [topics::STOCK_EVENTS, topics::PAYMENT_EVENTS];
/// In which a killed replica's partitions have to be read again.
const TAKEOVER: Duration = Duration::from_secs(15);

/// Events with numbers of their own, and who applied them.
struct Load<'a> {
    bench: &'a Bench,
    sent: u64,
}

impl Load<'_> {
    /// One event for each partition of each topic; answers how many partitions each replica applied one of.
    async fn spread(&mut self) -> BTreeMap<String, usize> {
        let before = self.bench.applied.lock().unwrap().len();
        for topic in TOPICS {
            for partition in 0..topics::PARTITIONS {
                self.sent += 1;
                let event = event(u128::from(self.sent), &key_of(partition), self.sent);
                self.bench.append(&OutboundMessage { topic: topic.to_owned(), ..event }).await;
            }
        }
        let all = usize::try_from(self.sent).unwrap();
        let applied = || async { (self.bench.applied.lock().unwrap().len() >= all).then_some(()) };
        eventually(PATIENCE, applied).await.unwrap();
        let mut shares = BTreeMap::new();
        for (owner, _) in &self.bench.applied.lock().unwrap()[before..] {
            *shares.entry(owner.clone()).or_default() += 1;
        }
        shares
    }

    async fn until_shares_are(&mut self, expected: &[(&str, usize)]) {
        let expected: BTreeMap<_, _> = expected.iter().map(|(owner, n)| ((*owner).to_owned(), *n)).collect();
        let end = Instant::now() + PATIENCE;
        loop {
            let shares = self.spread().await;
            if shares == expected {
                break;
            }
            assert!(Instant::now() < end, "{shares:?} instead of {expected:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Every event has its effect, and one only.
    async fn check(&self) {
        let effects = self.bench.effects().await;
        let numbers: HashSet<u64> = effects.iter().map(|(_, n)| n.parse().unwrap()).collect();
        assert_eq!((effects.len() as u64, numbers.len() as u64), (self.sent, self.sent));
    }
}

/// A key that belongs to `partition`.
fn key_of(partition: u32) -> String {
    let mut keys = (0_u32..).map(|n| format!("key-{n}"));
    keys.find(|key| partition_for(key.as_bytes(), topics::PARTITIONS) == partition).unwrap()
}

fn start(bench: &Bench, owner: &str) -> Worker {
    let consumer = bench.consumer_of(owner, &TOPICS);
    Worker::start(|stop| consumer.run(stop))
}

#[tokio::test]
async fn replicas_share_evenly_and_a_killed_ones_share_is_taken_over() {
    let bench = Bench::new().await;
    let mut load = Load { bench: &bench, sent: 0 };
    let first = start(&bench, "a");
    load.until_shares_are(&[("a", 12)]).await;
    let second = start(&bench, "b");
    load.until_shares_are(&[("a", 6), ("b", 6)]).await;
    let third = start(&bench, "c");
    load.until_shares_are(&[("a", 4), ("b", 4), ("c", 4)]).await;

    second.task.abort();
    let killed = Instant::now();
    load.spread().await;
    assert!(killed.elapsed() < TAKEOVER, "events waited for {:?}", killed.elapsed());
    load.until_shares_are(&[("a", 6), ("c", 6)]).await;
    first.stop().await;
    load.until_shares_are(&[("c", 12)]).await;
    third.stop().await;
    load.check().await;
}

#[tokio::test]
async fn a_stopped_replica_is_gone_at_once() {
    let bench = Bench::new().await;
    let mut load = Load { bench: &bench, sent: 0 };
    let (first, second) = (start(&bench, "a"), start(&bench, "b"));
    load.until_shares_are(&[("a", 6), ("b", 6)]).await;
    first.stop().await;
    second.stop().await;
    let inbox = bench.inbox();
    assert_eq!(inbox.join(CONSUMER, "c", PATIENCE).await.unwrap(), 1, "nobody else is counted");
    for topic in TOPICS {
        for partition in 0..topics::PARTITIONS {
            let taken = inbox.take(CONSUMER, topic, partition, "c", PATIENCE).await.unwrap();
            assert!(taken.is_some(), "{topic} {partition} is still held");
        }
    }
    load.check().await;
}

#[tokio::test]
async fn nothing_is_lost_or_repeated_while_replicas_come_and_go() {
    const KEYS: u64 = 20;
    let bench = Bench::new().await;
    let mut last = 0;
    let mut append = async |count: u64| {
        for _ in 0..count {
            last += 1;
            bench.append(&event(u128::from(last), &format!("key-{}", last % KEYS), last)).await;
        }
    };
    let first = bench.consume("a", []);
    append(60).await;
    let second = bench.consume("b", []);
    bench.until_effects(10).await;
    append(60).await;
    bench.until_effects(70).await;
    first.task.abort();
    append(60).await;
    let third = bench.consume("c", []);
    append(60).await;
    second.stop().await;
    append(60).await;
    bench.until_effects(300).await;
    third.stop().await;
    let mut by_key = BTreeMap::<String, Vec<u64>>::new();
    for (key, n) in bench.effects().await {
        by_key.entry(key).or_default().push(n.parse().unwrap());
    }
    assert_eq!(by_key.values().map(Vec::len).sum::<usize>(), 300);
    assert!(by_key.values().all(|numbers| numbers.is_sorted_by(|a, b| a < b)), "{by_key:?}");
}

#[tokio::test]
async fn replicas_share_nothing_and_a_stopped_ones_partitions_are_taken_over() {
    let bench = Bench::new().await;
    let (first, second) = (bench.consume("a", []), bench.consume("b", []));
    for n in 0..30_u64 {
        bench.append(&event(u128::from(n) + 1, &format!("key-{n}"), n)).await;
    }
    bench.until_effects(30).await;
    first.stop().await;
    for n in 30..60_u64 {
        bench.append(&event(u128::from(n) + 1, &format!("key-{n}"), n)).await;
    }
    bench.until_effects(60).await;
    second.stop().await;
    let mut numbers: Vec<u64> = bench.effects().await.into_iter().map(|(_, n)| n.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..60).collect::<Vec<_>>(), "each once");
}

#[tokio::test]
async fn a_topic_that_is_missing_holds_up_no_other() {
    let bench = Bench::new().await;
    let consumer = bench.consumer_of("a", &["not-there-yet", TOPIC]);
    let consumer = Worker::start(|stop| consumer.run(stop));
    bench.append(&event(1, "a", 1)).await;
    bench.until_effects(1).await;
    consumer.stop().await;
    assert!(bench.log.partitions("not-there-yet").await.is_err());
}
