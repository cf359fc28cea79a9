//! Who is let in, and what is passed on of who asks.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::support::{Backend, Gateway, full, json};
use http::{Method, Response, header};
use platform_identity::testing::TestIssuer;
use platform_testkit::data_dir;
use serde_json::Value;
use tempfile::TempDir;

/// A gateway that wants tokens, and the one who makes them.
struct Guarded {
    gateway: Gateway,
    issuer: TestIssuer,
    _folder: TempDir,
}

impl Guarded {
    async fn before(url: &str, variables: &[(&str, &str)]) -> Self {
        let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
        let identity = issuer.environment(folder.path()).unwrap();
        let identity = identity.iter().map(|(name, value)| (*name, value.as_str()));
        let variables: Vec<_> = identity.chain(variables.iter().copied()).collect();
        Self { gateway: Gateway::before(url, &variables).await, issuer, _folder: folder }
    }

    /// Status, challenge and body.
    async fn ask(&self, method: Method, target: &str, token: Option<&str>) -> (u16, String, Value) {
        let mut request = self.gateway.request(method, target);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let response = self.gateway.send(request.body(full("")).unwrap()).await;
        let challenge = response.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
        let challenge = challenge.unwrap_or_default().to_owned();
        let (status, body) = json(response).await;
        (status, challenge, body)
    }
}

/// A backend that counts what reaches it.
async fn counting() -> (Arc<AtomicUsize>, Backend) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let backend = Backend::start(move |request| {
        if !request.uri().path().starts_with("/health") {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        std::future::ready(Response::new(full("{}")))
    })
    .await;
    (asked, backend)
}

#[tokio::test]
async fn strangers_see_products_and_nothing_else() {
    let (asked, backend) = counting().await;
    let guarded = Guarded::before(&backend.url(), &[]).await;
    for (method, target) in [
        (Method::GET, "/api/products?limit=2"),
        (Method::HEAD, "/api/products/7"),
        (Method::GET, "/api/products/categories"),
    ] {
        assert_eq!(guarded.ask(method, target, None).await.0, 200, "{target}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    for (method, target) in [
        (Method::POST, "/api/products"),
        (Method::DELETE, "/api/products/7"),
        (Method::GET, "/api/products/stats"),
        (Method::OPTIONS, "/api/products"),
        (Method::GET, "/api/baskets/ada"),
        (Method::POST, "/api/payments"),
        (Method::GET, "/api/payments/stats"),
        (Method::GET, "/api/users/ada/payments"),
        (Method::GET, "/api/notifications/stream?user_id=ada"),
    ] {
        let (status, challenge, problem) = guarded.ask(method.clone(), target, None).await;
        assert_eq!((status, problem["code"].as_str()), (401, Some("unauthenticated")), "{method} {target}");
        assert!(challenge.starts_with("Bearer") && !challenge.contains("error"), "{challenge}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3, "nobody asked a service for them");
}

#[tokio::test]
async fn operations_need_no_token() {
    let guarded = Guarded::before(&Backend::echo().await.url(), &[]).await;
    for target in ["/health", "/health/live", "/health/detailed", "/metrics", "/openapi.json", "/docs/"] {
        let (status, ..) = guarded.ask(Method::GET, target, None).await;
        assert!(matches!(status, 200 | 503), "{target}: {status}");
    }
}

#[tokio::test]
async fn a_bad_token_is_worse_than_none() {
    let (asked, backend) = counting().await;
    let guarded = Guarded::before(&backend.url(), &[]).await;
    for (kind, token) in guarded.issuer.bad_tokens("ada", &["admin"]) {
        for target in ["/api/products", "/api/baskets/ada"] {
            let (status, challenge, problem) =
                guarded.ask(Method::GET, target, Some(&format!("Bearer {token}"))).await;
            assert_eq!((status, problem["code"].as_str()), (401, Some("invalid_token")), "{kind} {target}");
            assert!(challenge.contains(r#"error="invalid_token""#), "{kind}: {challenge}");
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn services_get_the_token_and_nothing_that_a_client_says_of_itself() {
    let backend = Backend::echo().await;
    let guarded = Guarded::before(&backend.url(), &[]).await;
    let token = guarded.issuer.bearer("ada", &[]);
    let mut request =
        guarded.gateway.request(Method::GET, "/api/baskets/ada").header(header::AUTHORIZATION, &token);
    let claims = [
        "x-user-id",
        "x-user-roles",
        "x_user_id",
        "x-auth-request-user",
        "x-forwarded-user",
        "x-remote-user",
        "x-authenticated-userid",
    ];
    for claim in claims {
        request = request.header(claim, "root");
    }
    let (status, seen) = json(guarded.gateway.send(request.body(full("")).unwrap()).await).await;
    assert_eq!((status, seen["headers"]["authorization"].as_str()), (200, Some(token.as_str())));
    for claim in claims {
        assert!(seen["headers"].get(claim).is_none(), "{claim}");
    }
}

#[tokio::test]
async fn quotas_are_those_of_identities() {
    let backend = Backend::echo().await;
    let limit = [("RATE_LIMIT_ENABLED", "true"), ("RATE_LIMIT_REQUESTS", "1"), ("RATE_LIMIT_BURST", "1")];
    let guarded = Guarded::before(&backend.url(), &limit).await;
    let (ada, bob) = (guarded.issuer.bearer("ada", &[]), guarded.issuer.bearer("bob", &[]));
    for (token, status) in
        [(Some(&ada), 200), (Some(&ada), 429), (Some(&bob), 200), (None, 200), (None, 429), (Some(&bob), 429)]
    {
        let token = token.map(String::as_str);
        assert_eq!(guarded.ask(Method::GET, "/api/products", token).await.0, status, "{token:?}");
    }
}

#[tokio::test]
async fn tokens_that_are_no_good_are_taken_from_the_quota_of_their_address() {
    let (asked, backend) = counting().await;
    let limit = [("RATE_LIMIT_ENABLED", "true"), ("RATE_LIMIT_REQUESTS", "1"), ("RATE_LIMIT_BURST", "2")];
    let guarded = Guarded::before(&backend.url(), &limit).await;
    let (good, bad) = (guarded.issuer.bearer("ada", &[]), Some("Bearer guessed"));
    for (method, target, token, status, code) in [
        (Method::GET, "/api/baskets/ada", bad, 401, "invalid_token"),
        (Method::GET, "/nowhere", bad, 401, "invalid_token"),
        (Method::GET, "/api/baskets/ada", bad, 429, "rate_limited"),
        (Method::HEAD, "/nowhere", bad, 429, ""),
        (Method::GET, "/api/products", None, 429, "rate_limited"),
        // Writing and paying are counted apart, and so is who is known.
        (Method::POST, "/api/payments", bad, 401, "invalid_token"),
        (Method::GET, "/api/products", Some(good.as_str()), 200, ""),
        (Method::GET, "/health/live", bad, 200, ""),
    ] {
        let (answered, challenge, body) = guarded.ask(method.clone(), target, token).await;
        let seen = (answered, body["code"].as_str().unwrap_or_default());
        assert_eq!(seen, (status, code), "{method} {target} {token:?}");
        assert_eq!(challenge.contains("invalid_token"), status == 401, "{method} {target}: {challenge}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let request = guarded.gateway.request(Method::GET, "/api/baskets/ada");
    let request = request.header(header::AUTHORIZATION, "Bearer guessed").body(full("")).unwrap();
    let refused = guarded.gateway.send(request).await;
    for name in ["retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
        assert!(refused.headers().contains_key(name), "{name}");
    }
    let line = r#"gateway_rate_limited_total{service="basket",route="/baskets/*",decided="local"} 2"#;
    assert!(guarded.gateway.metrics().await.contains(line));
}

#[tokio::test]
async fn behind_a_trusted_proxy_bad_tokens_are_those_of_its_clients() {
    let backend = Backend::echo().await;
    let limit = [("RATE_LIMIT_ENABLED", "true"), ("RATE_LIMIT_REQUESTS", "1"), ("RATE_LIMIT_BURST", "1")];
    let proxies = [("TRUSTED_PROXIES", "127.0.0.0/8")];
    let guarded = Guarded::before(&backend.url(), &[&limit[..], &proxies].concat()).await;
    for (client, status) in [("1.2.3.4", 401), ("1.2.3.4", 429), ("6.6.6.6, 1.2.3.5", 401), ("1.2.3.5", 429)]
    {
        let request = guarded.gateway.request(Method::GET, "/api/products");
        let request = request.header(header::AUTHORIZATION, "Bearer guessed");
        let request = request.header("x-forwarded-for", client).body(full("")).unwrap();
        assert_eq!(guarded.gateway.send(request).await.status(), status, "{client}");
    }
}
