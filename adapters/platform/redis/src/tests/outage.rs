//! A server that comes late, goes, comes again, or has forgotten our scripts.

use std::time::{Duration, Instant};

use kernel_application::{HealthCheck, StoreError, messaging::Outbox, testing::context};
use platform_testkit::{PATIENCE, eventually};

use super::{
    count, counted,
    server::{Server, connected},
};
use crate::{Bucket, Redis, RedisHealth, RedisOutbox};

/// More than one command may take, on a machine that has other things to do as well.
const QUICKLY: Duration = Duration::from_secs(5);

async fn add_one(redis: &Redis) -> Result<String, StoreError> {
    count(redis, &context(), Bucket::of("ada"), "").await
}

async fn health(redis: &Redis) -> Result<(), String> {
    RedisHealth::new("basket-store", redis.clone()).check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_start_before_its_server() {
    let mut server = Server::start(&[]);
    server.kill();
    let redis = server.prepare(&[]);
    assert!(matches!(add_one(&redis).await, Err(StoreError::Unavailable { .. })));
    let says_why = || async { health(&redis).await.err().filter(|obstacle| obstacle.contains("refused")) };
    let obstacle = eventually(PATIENCE, says_why).await.unwrap();
    assert!(obstacle.contains(&format!("127.0.0.1:{}", server.port)), "{obstacle}");
    assert!(obstacle.contains("REDIS_HOST"), "{obstacle}");

    server.start_again();
    eventually(PATIENCE, || async { add_one(&redis).await.ok() }).await.unwrap();
    assert_eq!(health(&redis).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_shows_at_once_and_passes_by_itself() {
    let mut server = Server::start(&[]);
    let redis = server.connect().await;
    add_one(&redis).await.unwrap();

    server.kill();
    for _ in 0..100 {
        let asked = Instant::now();
        let result = add_one(&redis).await;
        assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
        assert!(asked.elapsed() < QUICKLY, "{:?}", asked.elapsed());
    }
    let outbox = RedisOutbox::new(redis.clone());
    assert!(matches!(outbox.stats().await, Err(StoreError::Unavailable { .. })));
    assert!(health(&redis).await.is_err());

    server.start_again();
    connected(&redis).await;
    eventually(PATIENCE, || async { health(&redis).await.ok() }).await.unwrap();
    assert_eq!(counted(&redis, Bucket::of("ada")).await, 1, "no call that failed was made up for later");
    add_one(&redis).await.unwrap();
    assert_eq!(counted(&redis, Bucket::of("ada")).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_as_good_as_gone() {
    let server = Server::start(&[]);
    let redis = server.connect().await;
    add_one(&redis).await.unwrap();
    server.cli(&["CLIENT", "PAUSE", "1500", "ALL"]);
    let asked = Instant::now();
    let result = add_one(&redis).await;
    assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
    assert!(asked.elapsed() < QUICKLY, "{:?}", asked.elapsed());
    eventually(PATIENCE, || async { add_one(&redis).await.ok() }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_given_again_to_a_server_that_forgot_them() {
    let server = Server::start(&[]);
    let redis = server.connect().await;
    add_one(&redis).await.unwrap();
    for _ in 0..3 {
        assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
        add_one(&redis).await.unwrap();
    }
    let evals = server.cli(&["INFO", "commandstats"]);
    add_one(&redis).await.unwrap();
    let calls = |stats: &str| stats.lines().find(|line| line.starts_with("cmdstat_eval:")).map(str::to_owned);
    assert_eq!(
        calls(&evals),
        calls(&server.cli(&["INFO", "commandstats"])),
        "a known script goes by its digest"
    );
    assert_eq!(counted(&redis, Bucket::of("ada")).await, 5);
}
