//! Headers on their way through, both ways.

use crate::support::{Backend, Gateway, full, json};
use http::{Method, Response};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn the_service_learns_who_asked_and_for_what() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let request = gateway
        .request(Method::GET, "/api/products")
        .header("host", "shop.example")
        .header("x-forwarded-for", "1.2.3.4")
        .header("x-forwarded-host", "evil.example")
        .header("x-request-id", "r-1")
        .header("traceparent", PARENT)
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("keep-alive", "timeout=5")
        .header("authorization", "Bearer t")
        .header("cookie", "a=b")
        .body(full(""))
        .unwrap();
    let response = gateway.send(request).await;
    assert_eq!(response.headers()["x-request-id"], "r-1");
    assert_eq!(response.headers().get_all("x-request-id").iter().count(), 1);
    assert_eq!(response.headers()["via"], "1.1 gateway");
    let (_, seen) = json(response).await;
    let headers = &seen["headers"];
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/api"),
        ("x-request-id", "r-1"),
        ("via", "1.1 gateway"),
        ("authorization", "Bearer t"),
        ("cookie", "a=b"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert_eq!(headers["host"], backend.addr.to_string());
    for gone in ["x-hop", "keep-alive", "connection"] {
        assert!(headers.get(gone).is_none(), "{gone}");
    }
    let parent = headers["traceparent"].as_str().unwrap();
    assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && parent != PARENT, "{parent}");
}

#[tokio::test]
async fn ids_are_made_where_there_are_none() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let response = gateway.get("/api/products").await;
    let made = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let (_, seen) = json(response).await;
    assert_eq!(seen["headers"]["x-request-id"], made.as_str());
    assert!(seen["headers"]["traceparent"].as_str().unwrap().starts_with("00-"));
}

#[tokio::test]
async fn what_a_service_says_to_its_connection_stays_there() {
    let backend = Backend::start(|_| async {
        Response::builder()
            .header("connection", "x-internal")
            .header("x-internal", "1")
            .header("proxy-authenticate", "Basic")
            .header("x-request-id", "of-the-backend")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .body(full("ok"))
            .unwrap()
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let response = gateway.get("/api/products").await;
    for gone in ["x-internal", "proxy-authenticate"] {
        assert!(!response.headers().contains_key(gone), "{gone}");
    }
    assert_ne!(response.headers()["x-request-id"], "of-the-backend");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_proxy_in_front_is_believed_where_it_is_listed() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let request = gateway
        .request(Method::GET, "/api/products")
        .header("x-forwarded-for", "1.2.3.4")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "shop.example")
        .body(full(""))
        .unwrap();
    let (_, seen) = json(gateway.send(request).await).await;
    for (name, value) in [
        ("x-forwarded-for", "1.2.3.4, 127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.example"),
    ] {
        assert_eq!(seen["headers"][name], value, "{name}");
    }
}

#[tokio::test]
async fn the_service_learns_how_long_it_may_take() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[("UPSTREAM_FIRST_BYTE_TIMEOUT", "5s")]).await;
    for (asked, least, most) in
        [(None, 4_000, 5_000), (Some("1500"), 1_000, 1_500), (Some("90000"), 4_000, 5_000)]
    {
        let mut request = gateway.request(Method::GET, "/api/products");
        if let Some(asked) = asked {
            request = request.header("x-request-timeout-ms", asked);
        }
        let (_, seen) = json(gateway.send(request.body(full("")).unwrap()).await).await;
        let told: u64 = seen["headers"]["x-request-timeout-ms"].as_str().unwrap().parse().unwrap();
        assert!((least..=most).contains(&told), "{asked:?} became {told}");
    }
}

#[tokio::test]
async fn headers_beyond_the_limit_are_431() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[("MAX_HEADER_BYTES", "2048")]).await;
    for (length, expected) in [(1_000, 200), (2_048, 431)] {
        let request = gateway.request(Method::GET, "/api/products").header("x-long", "x".repeat(length));
        let (status, answer) = json(gateway.send(request.body(full("")).unwrap()).await).await;
        assert_eq!(status, expected, "{answer}");
        assert!(status == 200 || answer["code"] == "headers_too_large");
    }
}
