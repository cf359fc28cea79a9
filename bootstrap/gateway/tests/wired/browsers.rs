//! What browsers are told: CORS and security headers, on every answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    certificates::Authority,
    support::{Backend, Gateway, full, json},
};
use http::{HeaderMap, Method, Response, header};
use platform_identity::testing::TestIssuer;
use platform_testkit::data_dir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SHOP: &str = "https://shop.example";

/// A backend that counts what reaches it, and has views of its own.
async fn opinionated() -> (Arc<AtomicUsize>, Backend) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let backend = Backend::start(move |request| {
        if !request.uri().path().starts_with("/health") {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        let answer = Response::builder()
            .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .header(header::VARY, "Accept")
            .header(header::X_FRAME_OPTIONS, "SAMEORIGIN")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(header::STRICT_TRANSPORT_SECURITY, "max-age=1")
            .header(header::SERVER, "backend/1.2.3");
        std::future::ready(answer.body(full("{}")).unwrap())
    })
    .await;
    (asked, backend)
}

async fn preflight(gateway: &Gateway, origin: &str) -> (u16, HeaderMap, serde_json::Value) {
    let request = gateway
        .request(Method::OPTIONS, "/api/payments")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type")
        .body(full(""))
        .unwrap();
    let response = gateway.send(request).await;
    let headers = response.headers().clone();
    let (status, body) = json(response).await;
    (status, headers, body)
}

async fn headers(gateway: &Gateway, target: &str, sent: &[(&str, &str)]) -> (u16, HeaderMap) {
    let request = gateway.request(Method::GET, target);
    let request = sent.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = gateway.send(request.body(full("")).unwrap()).await;
    (response.status().as_u16(), response.headers().clone())
}

fn values(headers: &HeaderMap, name: header::HeaderName) -> Vec<&str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_preflight_costs_neither_a_service_nor_a_quota_and_needs_no_token() {
    let (asked, backend) = opinionated().await;
    let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
    let identity = issuer.environment(folder.path()).unwrap();
    let usual = [
        ("CORS_ALLOWED_ORIGINS", SHOP),
        ("RATE_LIMIT_ENABLED", "true"),
        ("RATE_LIMIT_REQUESTS", "1"),
        ("RATE_LIMIT_BURST", "1"),
    ];
    let identity = identity.iter().map(|(name, value)| (*name, value.as_str()));
    let gateway =
        Gateway::before(&backend.url(), &usual.into_iter().chain(identity).collect::<Vec<_>>()).await;
    for _ in 0..5 {
        let (status, headers, _) = preflight(&gateway, SHOP).await;
        assert_eq!((status, values(&headers, header::ACCESS_CONTROL_ALLOW_ORIGIN)), (204, vec![SHOP]));
        assert_eq!(values(&headers, header::VARY), ["Origin"]);
        assert_eq!(values(&headers, header::ACCESS_CONTROL_MAX_AGE), ["600"]);
        let allowed = |name| headers[name].to_str().unwrap().to_ascii_lowercase();
        assert!(allowed(header::ACCESS_CONTROL_ALLOW_METHODS).contains("post"));
        assert!(allowed(header::ACCESS_CONTROL_ALLOW_HEADERS).contains("authorization"));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    for class in [Method::GET, Method::POST] {
        let request =
            gateway.request(class, "/api/payments").header(header::AUTHORIZATION, issuer.bearer("ada", &[]));
        assert_eq!(
            gateway.send(request.body(full("")).unwrap()).await.status(),
            200,
            "the whole burst is there"
        );
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_nothing_unless_they_are_listed() {
    let (asked, backend) = opinionated().await;
    for variables in [&[][..], &[("CORS_ALLOWED_ORIGINS", "https://other.example")]] {
        let gateway = Gateway::before(&backend.url(), variables).await;
        let (status, headers, problem) = preflight(&gateway, SHOP).await;
        assert_eq!((status, problem["code"].as_str()), (403, Some("origin_not_allowed")));
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        // The request itself is none of CORS's business; the browser keeps the answer from the page.
        let (status, headers) = self::headers(&gateway, "/api/products", &[("origin", SHOP)]).await;
        assert_eq!(status, 200);
        assert!(
            !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            "the service's word does not count"
        );
        asked.store(0, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn every_answer_tells_a_listed_page_that_it_may_be_read() {
    let (_, backend) = opinionated().await;
    let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
    let mut variables = issuer.environment(folder.path()).unwrap();
    variables.push(("CORS_ALLOWED_ORIGINS", format!("https://other.example,{SHOP}")));
    variables.push(("CORS_ALLOW_CREDENTIALS", "true".to_owned()));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let gateway = Gateway::before(&backend.url(), &variables).await;
    for (target, token, expected) in [
        ("/api/products", None, 200),
        ("/api/baskets/ada", None, 401),
        ("/api/products", Some("Bearer forged"), 401),
        ("/api/nothing", None, 404),
        ("/health/live", None, 200),
    ] {
        let mut sent = vec![("origin", SHOP)];
        sent.extend(token.map(|token| ("authorization", token)));
        let (status, headers) = headers(&gateway, target, &sent).await;
        assert_eq!(status, expected, "{target}");
        assert_eq!(values(&headers, header::ACCESS_CONTROL_ALLOW_ORIGIN), [SHOP], "{target}");
        assert_eq!(values(&headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS), ["true"], "{target}");
        assert!(values(&headers, header::ACCESS_CONTROL_EXPOSE_HEADERS)[0].contains("ETag"), "{target}");
        assert!(values(&headers, header::VARY).contains(&"Origin"), "{target}");
    }
    let (_, headers) = headers(&gateway, "/api/products", &[]).await;
    assert_eq!(values(&headers, header::VARY), ["Accept", "Origin"], "caches are told, whoever asks");
}

#[tokio::test]
async fn every_answer_has_its_security_headers_once() {
    let (_, backend) = opinionated().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for (target, frames) in
        [("/api/products", "SAMEORIGIN"), ("/api/nothing", "DENY"), ("/health", "DENY"), ("/docs/", "DENY")]
    {
        let (_, headers) = headers(&gateway, target, &[]).await;
        assert_eq!(values(&headers, header::X_CONTENT_TYPE_OPTIONS), ["nosniff"], "{target}");
        assert_eq!(values(&headers, header::X_FRAME_OPTIONS), [frames], "{target}");
        assert_eq!(values(&headers, header::REFERRER_POLICY), ["no-referrer"], "{target}");
        let policy = values(&headers, header::CONTENT_SECURITY_POLICY);
        assert_eq!(policy.len(), 1, "{target}");
        assert_eq!(policy[0].contains("script-src 'self'"), target == "/docs/", "{target}: {policy:?}");
        assert!(policy[0].contains("default-src 'none'"), "{target}");
        assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY), "{target} came in the clear");
        assert!(!headers.contains_key(header::SERVER), "{target}");
    }
    let off = Gateway::before(&backend.url(), &[("SECURITY_HEADERS_ENABLED", "false")]).await;
    assert!(!headers(&off, "/api/nothing", &[]).await.1.contains_key(header::CONTENT_SECURITY_POLICY));
}

#[tokio::test]
async fn what_came_over_tls_is_to_do_so_again() {
    let (_, backend) = opinionated().await;
    let hsts =
        [("TRUSTED_PROXIES", "127.0.0.1"), ("HSTS_MAX_AGE", "1h"), ("HSTS_INCLUDE_SUBDOMAINS", "true")];
    let gateway = Gateway::before(&backend.url(), &hsts).await;
    let secure = [("x-forwarded-proto", "https")];
    for target in ["/api/products", "/api/nothing"] {
        let (_, headers) = headers(&gateway, target, &secure).await;
        let said = values(&headers, header::STRICT_TRANSPORT_SECURITY);
        assert_eq!(said, ["max-age=3600; includeSubDomains"], "{target}");
    }
    let alone = Gateway::before(&backend.url(), &hsts[1..]).await;
    let (_, headers) = headers(&alone, "/api/products", &secure).await;
    assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY), "anyone can write that header");
}

#[tokio::test]
async fn an_encrypted_connection_is_held_to_it_without_any_proxy() {
    let ((_, backend), authority) = (opinionated().await, Authority::new());
    let (certificate, key) = authority.issue("gateway");
    let files = [("TLS_CERT_FILE", certificate.as_str()), ("TLS_KEY_FILE", key.as_str())];
    let gateway = Gateway::before(&backend.url(), &files).await;
    let mut stream = authority.connect(gateway.addr(), "http/1.1", None).await.unwrap();
    let request = b"GET /api/products HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // A server that just closes after its answer is as good here as one that says goodbye first.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert_eq!(answer.matches("\r\nstrict-transport-security: max-age=31536000\r\n").count(), 1, "{answer}");
}
