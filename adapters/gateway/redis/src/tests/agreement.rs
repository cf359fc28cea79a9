//! The script decides as `Quota::decide` does, whatever comes when.

use gateway_domain::{Moment, limit::Decision};
use platform_redis::Script;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Runtime;

use super::*;
use crate::script::{decide_by, name};

/// The script with a clock of the test's.
static GIVEN: Script = Script::new(concat!(include_str!("given.lua"), include_str!("../lua/decide.lua")));
static FORGET: Script = Script::new("return redis.call('DEL', KEYS[1])");

/// The server's clock at the start of the process.
const START: u64 = 1_760_000_000;

/// One client's number in the store, at times that the test gives. Removed with the last of them.
struct Client<'a> {
    redis: &'a Redis,
    name: String,
    quota: Quota,
}

impl Client<'_> {
    async fn decide(&self, nanos: u64) -> Decision {
        let (seconds, nanos) = (START + nanos / 1_000_000_000, nanos % 1_000_000_000);
        let time = vec![seconds.to_string(), nanos.to_string()];
        decide_by(&GIVEN, self.redis, self.name.clone(), &self.quota, time).await.unwrap()
    }

    async fn forget(self) {
        let forgotten: u64 = self.redis.run("forget", &FORGET, vec![self.name], vec![]).await.unwrap();
        assert_eq!(forgotten, 1);
    }
}

/// An interval of a minute at least, so that no key goes while the test looks at it; and steps of about its size.
fn cases() -> impl Strategy<Value = (u64, u32, Vec<u64>)> {
    let interval = prop_oneof![60_000_000_000..120_000_000_000_u64, 60_000_000_000..200_000_000_000_000_u64];
    (interval, 1_u32..20).prop_flat_map(|(interval, burst)| {
        let step =
            prop_oneof![Just(0), 1..1_000_u64, 0..interval, 0..interval.saturating_mul(u64::from(burst) + 1)];
        (Just(interval), Just(burst), vec(step, 1..40))
    })
}

#[test]
fn any_sequence_is_decided_alike() {
    let runtime = Runtime::new().unwrap();
    let (redis, prefix) = (runtime.block_on(single()), prefix());
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    runner
        .run(&cases(), |(interval, burst, steps)| {
            let quota = quota(Duration::from_nanos(interval), burst);
            let client = Client { redis: &redis, name: name(&prefix, &ADA, &quota), quota };
            let (mut arrival, mut now) = (Moment::START, 0);
            runtime.block_on(async {
                for step in steps {
                    now += step;
                    let expected = quota.decide(&mut arrival, Moment::from_nanos(now));
                    prop_assert_eq!(client.decide(now).await, expected, "at {}", now);
                }
                client.forget().await;
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn a_clock_that_is_set_back_limits_nobody_for_long() {
    let (redis, quota) = (single().await, quota(Duration::from_mins(1), 3));
    let client = Client { redis: &redis, name: name(&prefix(), &ADA, &quota), quota };
    let hours = 3_600_000_000_000_u64;
    for _ in 0..3 {
        assert!(client.decide(2 * hours).await.is_allowed());
    }
    let refused = client.decide(hours).await;
    assert_eq!(refused.refused, Some(Duration::from_mins(1)), "as if the burst had just been used");
    assert!(client.decide(hours + 60_000_000_000).await.is_allowed());
    assert!(!client.decide(hours + 60_000_000_001).await.is_allowed());
    client.forget().await;
}

#[tokio::test]
async fn what_the_key_holds_is_no_matter_of_life_and_death() {
    let (redis, quota, prefix) = (single().await, quota(Duration::from_mins(1), 3), prefix());
    let spoil = Script::new("return redis.call('SET', KEYS[1], ARGV[1])");
    for spoilt in ["", "soon", "1", "-1760000000123456789", "1e5", "1760000000 123456789"] {
        let client = Client { redis: &redis, name: name(&prefix, &ADA, &quota), quota };
        let _: String =
            redis.run("spoil", &spoil, vec![client.name.clone()], vec![spoilt.to_owned()]).await.unwrap();
        let decision = client.decide(0).await;
        assert!(decision.is_allowed() && decision.remaining == 2, "{spoilt}: {decision:?}");
        client.forget().await;
    }
}
