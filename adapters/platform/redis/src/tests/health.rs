//! What is wrong with a server is said in words that help, by asking it.

use kernel_application::HealthCheck;
use platform_testkit::{PATIENCE, eventually};

use super::{cluster, server::Server, single};
use crate::{Redis, RedisHealth};

async fn health(redis: &Redis) -> Result<(), String> {
    RedisHealth::new("basket-store", redis.clone()).check().await
}

/// What the check says once there is a connection, or as many tries at one as it takes.
async fn complains(redis: &Redis, word: &str) {
    let says = || async { health(redis).await.err().filter(|obstacle| obstacle.contains(word)) };
    let said = eventually(PATIENCE, says).await;
    assert!(said.is_ok(), "{word} is missing in {:?}", health(redis).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_server_and_a_healthy_cluster_are_fine() {
    assert_eq!(health(&single().await).await, Ok(()));
    assert_eq!(health(&cluster().await).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_evicts_is_refused() {
    let server = Server::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let redis = server.connect().await;
    complains(&redis, "allkeys-lru").await;
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert_eq!(health(&redis).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_append_only_file_is_warned_about_or_refused() {
    let server = Server::start(&["--appendonly", "no"]);
    assert_eq!(health(&server.connect().await).await, Ok(()), "a warning, unless it is required");
    let strict = server.prepare(&[("REDIS_REQUIRE_PERSISTENCE", "true")]);
    complains(&strict, "set appendonly to yes").await;
    server.cli(&["CONFIG", "SET", "appendonly", "yes"]);
    assert_eq!(health(&strict).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes_is_not_healthy() {
    let (master, server) = (Server::start(&[]), Server::start(&[]));
    let redis = server.connect().await;
    assert_eq!(health(&redis).await, Ok(()));
    server.cli(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    complains(&redis, "NOREPLICAS").await;
    server.cli(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    assert_eq!(health(&redis).await, Ok(()));
    server.cli(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
    complains(&redis, "replica").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_or_kind_of_server_is_named_without_the_secret() {
    let server = Server::start(&["--requirepass", "right"]);
    let wrong = server.prepare(&[("REDIS_PASSWORD", "hunter2")]);
    complains(&wrong, "check REDIS_USERNAME and REDIS_PASSWORD").await;
    assert!(!health(&wrong).await.unwrap_err().contains("hunter2"));
    complains(&server.prepare(&[]), "set REDIS_PASSWORD").await;

    let plain = Server::start(&[]);
    complains(&plain.prepare(&[("REDIS_CLUSTER", "true")]), "set REDIS_CLUSTER=false").await;
    let node = Server::start(&["--cluster-enabled", "yes"]);
    complains(&node.prepare(&[]), "set REDIS_CLUSTER=true").await;
}
