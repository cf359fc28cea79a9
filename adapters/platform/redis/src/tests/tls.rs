//! Encrypted, with a password, by a server whose certificate is checked.

use kernel_application::{HealthCheck, testing::context};
use platform_testkit::{PATIENCE, eventually, servers};

use super::{
    count,
    server::{Server, connected},
};
use crate::{Bucket, RedisHealth};

fn start() -> (Server, String) {
    let [ca, cert, key] =
        ["TEST_TLS_CA", "TEST_TLS_CERT", "TEST_TLS_KEY"].map(|name| servers::read(name).unwrap());
    let files = ["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
    let rest = ["--port", "0", "--tls-port", "{port}", "--tls-auth-clients", "no", "--requirepass", "secret"];
    (Server::start(&[&rest[..], &files[..]].concat()), ca)
}

#[tokio::test(flavor = "multi_thread")]
async fn works_encrypted_by_address_and_by_name() {
    let (server, ca) = start();
    for host in ["127.0.0.1", "localhost"] {
        let redis = server.prepare(&[
            ("REDIS_HOST", host),
            ("REDIS_PASSWORD", "secret"),
            ("REDIS_TLS", "true"),
            ("REDIS_CA_CERT", &ca),
        ]);
        connected(&redis).await;
        assert_eq!(count(&redis, &context(), Bucket::of("ada"), "").await.unwrap(), "counted", "{host}");
        assert_eq!(RedisHealth::new("basket-store", redis).check().await, Ok(()), "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_vouches_for_is_refused() {
    let (server, _) = start();
    // The server's own certificate vouches for nobody.
    let other = servers::read("TEST_TLS_CERT").unwrap();
    let secured = [("REDIS_PASSWORD", "secret"), ("REDIS_TLS", "true"), ("REDIS_CA_CERT", &other)];
    let redis = server.prepare(&secured);
    let health = RedisHealth::new("basket-store", redis.clone());
    let says_why =
        || async { health.check().await.err().filter(|obstacle| obstacle.contains("REDIS_CA_CERT")) };
    eventually(PATIENCE, says_why).await.unwrap();
    assert!(count(&redis, &context(), Bucket::of("ada"), "").await.is_err());
}
