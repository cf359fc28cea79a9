//! What gateways share, and what becomes of it.

use platform_redis::Script;
use platform_testkit::{PATIENCE, eventually};

use super::*;
use crate::script::name;

async fn two_gateways(redis: [Redis; 2]) {
    let (prefix, hourly) = (prefix(), quota(Duration::from_hours(1), 10));
    let gateways = redis.map(|redis| Gateway::new(redis, &prefix, hourly, PATIENT));
    let mut allowed = 0;
    for _ in 0..8 {
        for gateway in &gateways {
            let (is_allowed, decider) = gateway.ask(ADA).await;
            assert_eq!(decider, Decider::Shared);
            allowed += u32::from(is_allowed);
        }
    }
    assert_eq!(allowed, 10, "one quota, whichever gateway is asked");
    let other = LimitKey { class: RouteClass(1), ..ADA };
    assert_eq!(gateways[0].ask(other).await, (true, Decider::Shared), "each class has its own");
    let bob = LimitKey { client: LimitedClient::Subject("bob"), ..ADA };
    assert_eq!(gateways[1].ask(bob).await, (true, Decider::Shared), "and so has each client");
    assert_eq!(gateways[0].figure("gateway_rate_limit_store_duration_seconds_count"), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_quota_on_one_server() {
    two_gateways([single().await, single().await]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_quota_on_a_cluster() {
    two_gateways([cluster().await, cluster().await]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_the_same_time_get_no_more_than_the_burst() {
    let gateway = Gateway::new(single().await, &prefix(), quota(Duration::from_hours(1), 10), PATIENT);
    let limiter = Arc::new(gateway.limiter);
    let asking = (0..100).map(|_| {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move { limiter.check(ADA).await.unwrap().decision.is_allowed() })
    });
    let mut allowed = 0;
    for answer in asking.collect::<Vec<_>>() {
        allowed += u32::from(answer.await.unwrap());
    }
    assert_eq!(allowed, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_forgotten_when_their_time_has_passed() {
    static TTL: Script = Script::new("return redis.call('PTTL', KEYS[1])");
    let (redis, prefix) = (single().await, prefix());
    let quota = quota(Duration::from_millis(1_500), 4);
    let gateway = Gateway::new(redis.clone(), &prefix, quota, PATIENT);
    let ttl = || async {
        let key = vec![name(&prefix, &ADA, &quota)];
        redis.run::<i64>("ask for the time left", &TTL, key, vec![]).await.unwrap()
    };
    assert_eq!(ttl().await, -2, "nobody is known yet");
    for requests in 1..=4 {
        assert!(gateway.ask(ADA).await.0);
        let left = ttl().await;
        assert!(left > 0 && left <= requests * 1_500, "{left} ms after {requests} requests");
    }
    eventually(PATIENCE, || async { (ttl().await == -2).then_some(()) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_the_store_cannot_count_by_is_counted_here() {
    let gateway = Gateway::new(single().await, &prefix(), quota(Duration::from_hours(24), 100), PATIENT);
    assert_eq!(gateway.ask(ADA).await, (true, Decider::Local));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_quota_holds_at_once_and_starts_anew() {
    let shared = RateQuota::from(Some(quota(Duration::from_hours(1), 1)));
    let gateway = Gateway::over(single().await, &prefix(), &shared, PATIENT);
    let ask = || gateway.ask(ADA);
    assert_eq!([ask().await, ask().await], [(true, Decider::Shared), (false, Decider::Shared)]);
    shared.replace(Some(quota(Duration::from_hours(1), 2)));
    let answers = [ask().await, ask().await, ask().await];
    assert_eq!(answers, [true, true, false].map(|allowed| (allowed, Decider::Shared)));
    shared.replace(None);
    assert!(gateway.limiter.check(ADA).await.is_none());
}
