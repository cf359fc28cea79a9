//! Crashes and failovers at moments that chance picks: every effect is there once at the end.

use kernel_application::{StoreError, messaging::Position};

use super::{
    apply, cluster, count_change, counted, delivery,
    past::{Past, bucket, consume},
    retention::{START, begun, offset, renew},
    single, take,
};
use crate::Redis;

/// A number that looks random and is the same in each run.
fn roll(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Servers as they were after each of the last few steps.
struct Pasts(Vec<[Option<Past>; 3]>);

impl Pasts {
    async fn remember(&mut self, redis: &Redis) {
        let now = [
            Some(Past::of_bucket(redis, bucket(0)).await),
            Some(Past::of_bucket(redis, bucket(1)).await),
            Some(Past::of_messaging(redis).await),
        ];
        self.0.push(now);
        if self.0.len() > 4 {
            self.0.remove(0);
        }
    }

    /// One of the three falls back. What it had later is no past of it any more.
    async fn fall_back(&mut self, redis: &Redis, which: usize, steps: usize) {
        let index = self.0.len().saturating_sub(1 + steps);
        let past = self.0[index][which].take();
        for later in &mut self.0[index..] {
            later[which] = None;
        }
        if let Some(past) = past {
            past.comes_back(redis).await;
        }
    }
}

/// One step of a consumer: a record, a renewal, or taking the partition where it has to.
async fn step(redis: &Redis, position: &mut Position, kind: u64) {
    let n = u32::try_from(position.next_offset).unwrap();
    let next = delivery(position.epoch, n);
    let outcome = match kind {
        // The process ends before the move.
        0 => match redis.settle(&next, count_change(redis, bucket(n), "")).await {
            Ok(_) | Err(StoreError::Fenced) => Err(StoreError::Fenced),
            Err(error) => panic!("{error}"),
        },
        1..=6 if !renew(redis, *position).await => Err(StoreError::Fenced),
        1..=6 => return,
        _ => apply(redis, &next, bucket(n)).await,
    };
    match outcome {
        Ok(_) | Err(StoreError::AlreadyApplied) => position.next_offset += 1,
        Err(StoreError::Fenced) => *position = take(redis).await,
        Err(error) => panic!("{error}"),
    }
    assert!(position.next_offset >= offset(0), "the log does not go back as far as {position:?}");
}

async fn each_event_is_applied_once(redis: Redis, seed: u64) {
    let (mut state, mut pasts) = (seed, Pasts(vec![]));
    let mut position = begun(&redis).await;
    let mut end = position.next_offset;
    for _ in 0..120 {
        step(&redis, &mut position, roll(&mut state) % 20).await;
        end = end.max(position.next_offset + 1);
        pasts.remember(&redis).await;
        if roll(&mut state).is_multiple_of(6) {
            let [which, steps] = [3, 4].map(|below| usize::try_from(roll(&mut state) % below).unwrap());
            pasts.fall_back(&redis, which, steps).await;
        }
    }
    let end = u32::try_from(end).unwrap();
    assert!(end > START + 30, "seed {seed}: nothing gets on");
    consume(&redis, take(&redis).await, end).await;
    let effects = [counted(&redis, bucket(0)).await, counted(&redis, bucket(1)).await];
    let count = u64::from(end - START);
    assert_eq!(effects, [count.div_ceil(2), count / 2], "seed {seed}, up to {end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_falls_back_on_one_server() {
    for seed in 1..=4 {
        each_event_is_applied_once(single().await, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_falls_back_on_a_cluster() {
    for seed in 5..=8 {
        each_event_is_applied_once(cluster().await, seed).await;
    }
}
