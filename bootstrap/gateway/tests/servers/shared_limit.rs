//! Gateways that count together, over Redis.

use crate::support::{Backend, Gateway, full};
use http::Method;
use platform_testkit::{PATIENCE, eventually, free_port, servers};

/// How many requests the store has decided on.
const DECIDED: &str = "gateway_rate_limit_store_duration_seconds_count ";

/// Where the tests' Redis is, and a prefix of our own in it.
fn redis() -> Vec<(&'static str, String)> {
    let url = servers::redis().unwrap();
    let rest = url.strip_prefix("redis://").unwrap();
    let (user, address) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (host, port) = address.trim_end_matches('/').rsplit_once(':').unwrap();
    let password = user.split_once(':').map_or("", |(_, password)| password);
    vec![
        ("REDIS_HOST", host.to_owned()),
        ("REDIS_PORT", port.to_owned()),
        ("REDIS_PASSWORD", password.to_owned()),
        ("REDIS_KEY_PREFIX", format!("test-gateway-{}-{}", std::process::id(), free_port().unwrap())),
        // On a busy machine an answer takes as long as it takes.
        ("RATE_LIMIT_REDIS_TIMEOUT", "1s".to_owned()),
    ]
}

async fn limited(backend: &Backend, redis: &[(&'static str, String)]) -> Gateway {
    let limit = [
        ("RATE_LIMIT_ENABLED", "true"),
        ("RATE_LIMIT_REQUESTS", "1"),
        ("RATE_LIMIT_WINDOW", "1h"),
        ("RATE_LIMIT_BURST", "4"),
    ];
    let redis = redis.iter().map(|(name, value)| (*name, value.as_str()));
    let variables: Vec<_> = limit.into_iter().chain(redis).collect();
    Gateway::before(&backend.url(), &variables).await
}

async fn status(gateway: &Gateway) -> u16 {
    gateway.get("/api/products").await.status().as_u16()
}

/// Asks for something of another class and route until the store decides.
async fn connected(gateway: &Gateway) {
    let shared = || async {
        let request = gateway.request(Method::POST, "/api/baskets").body(full("{}")).unwrap();
        gateway.send(request).await;
        let metrics = gateway.metrics().await;
        let decided = metrics.lines().find_map(|line| line.strip_prefix(DECIDED));
        (decided != Some("0") && metrics.contains("\ngateway_rate_limit_shared 1\n")).then_some(())
    };
    eventually(PATIENCE, shared).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_share_one_quota() {
    let (backend, redis) = (Backend::echo().await, redis());
    let (one, two) = (limited(&backend, &redis).await, limited(&backend, &redis).await);
    connected(&one).await;
    connected(&two).await;
    let statuses = [status(&one).await, status(&two).await, status(&one).await, status(&two).await];
    assert_eq!(statuses, [200; 4]);
    assert_eq!([status(&one).await, status(&two).await], [429; 2], "four between both of them");
    let line = r#"gateway_rate_limited_total{service="product",route="/products/*",decided="shared"} 1"#;
    for gateway in [&one, &two] {
        let metrics = gateway.metrics().await;
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_store_each_gateway_counts_by_itself() {
    let (backend, mut redis) = (Backend::echo().await, redis());
    redis[1].1 = free_port().unwrap().to_string();
    let (one, two) = (limited(&backend, &redis).await, limited(&backend, &redis).await);
    for gateway in [&one, &two] {
        for _ in 0..4 {
            assert_eq!(status(gateway).await, 200);
        }
        assert_eq!(status(gateway).await, 429);
        let metrics = gateway.metrics().await;
        let line = r#"gateway_rate_limited_total{service="product",route="/products/*",decided="local"} 1"#;
        assert!(metrics.contains(line) && metrics.contains("\ngateway_rate_limit_shared 0\n"), "{metrics}");
    }
    one.ready().await;
}
