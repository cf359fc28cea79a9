//! A partition whose next record the log does not hold stands still until it does, and says so.

use std::time::Duration;

use kernel_application::messaging::EventLog;

use crate::bench::{Bench, CONSUMER, TOPIC, event};

/// The clock is paused, so that a minute is over as soon as everybody waits.
#[tokio::test(start_paused = true)]
async fn a_halted_partition_goes_on_without_a_restart_when_the_log_holds_its_place() {
    let bench = Bench::new().await;
    let partition = bench.log.partition_of(TOPIC, "a").await.unwrap();
    bench.inbox().begin(CONSUMER, TOPIC, partition, 2).await.unwrap();
    let consumer = bench.consume("a", []);
    let said = async |expected| {
        for _ in 0..20 * 60 {
            if bench.outcomes.of(partition).1 == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        unreachable!("{:?} instead of {expected:?}", bench.outcomes.of(partition));
    };
    said(Some(true)).await;
    tokio::time::sleep(Duration::from_mins(3)).await;
    assert_eq!(bench.outcomes.of(partition), (Some(0), Some(true)), "it is held and says so");
    for n in 1..=3 {
        bench.append(&event(n, "a", u64::try_from(n).unwrap())).await;
    }
    said(Some(false)).await;
    bench.until_effects(1).await;
    consumer.stop().await;
    assert_eq!(bench.effects().await, [("a".to_owned(), "3".to_owned())], "from its place on");
}
