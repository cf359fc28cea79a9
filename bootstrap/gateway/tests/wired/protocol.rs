//! What HTTP/1.1 asks of a server that passes requests on.

use http::Method;
use platform_testkit::PATIENCE;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    sockets::{answers, counting, exchange},
    support::{Backend, Gateway, full, json},
};

#[tokio::test]
async fn a_client_that_waits_is_told_to_go_on() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
    let head = "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    timeout(PATIENCE, socket.read_exact(&mut go_on)).await.unwrap().unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"abc").await.unwrap();
    socket.shutdown().await.unwrap();
    let mut rest = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut rest)).await.unwrap().unwrap();
    let answers = answers(&rest);
    assert_eq!((answers.len(), answers[0].status), (1, 200));
    let seen: serde_json::Value = serde_json::from_slice(&answers[0].body).unwrap();
    assert_eq!(seen["body"], "abc");
    assert!(seen["headers"].get("expect").is_none(), "{seen}");
}

#[tokio::test]
async fn a_client_that_waits_keeps_the_body_of_a_request_that_is_refused() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for (target, length, status) in [("/api/nothing", 3, 404), ("/api/products", 1_000_000_000, 413)] {
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        );
        let answers = exchange(gateway.addr(), &[head.as_bytes()], false).await;
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [status], "{target}");
    }
}

#[tokio::test]
async fn a_client_must_come_to_the_end_of_every_head() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let begun = "GET /api/products HTTP/1.1\r\nHost:";
    let after_another = format!("{begun} a\r\n\r\n{begun}");
    let (first, second) = ([begun.as_bytes()], [after_another.as_bytes()]);
    let (first, second) =
        tokio::join!(exchange(gateway.addr(), &first, false), exchange(gateway.addr(), &second, false));
    for (mut answers, before) in [(first, 0), (second, 1)] {
        let late = answers.pop().unwrap();
        assert_eq!((late.status, late.code().as_str(), answers.len()), (408, "request_timeout", before));
        assert!(answers.iter().all(|answer| answer.status == 200));
    }
}

#[tokio::test]
async fn other_expectations_are_417() {
    let (backend, count) = counting().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let request =
        gateway.request(Method::GET, "/api/products").header("expect", "tea").body(full("")).unwrap();
    let (status, problem) = json(gateway.send(request).await).await;
    assert_eq!((status, problem["code"].as_str()), (417, Some("expectation_failed")));
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_request_that_goes_in_circles_is_508() {
    // The gateway's own backend is the gateway: whatever it sends comes back to it.
    let port = platform_testkit::free_port().unwrap();
    let own = format!("http://127.0.0.1:{port}");
    let port = port.to_string();
    let gateway = Gateway::before(
        &own,
        &[("PORT", &port), ("HEALTH_CHECK_PATH", "/health/live"), ("RETRY_ENABLED", "false")],
    )
    .await;
    let request = gateway
        .request(Method::GET, "/api/products")
        .header("via", "1.0 cache, 1.1 gateway")
        .body(full(""))
        .unwrap();
    let (status, problem) = json(gateway.send(request).await).await;
    assert_eq!((status, problem["code"].as_str()), (508, Some("loop_detected")));
    let request =
        gateway.request(Method::GET, "/api/products").header("via", "1.1 gateway-2").body(full("")).unwrap();
    assert_ne!(gateway.send(request).await.status(), 508, "another one of a similar name");
}

#[tokio::test]
async fn the_way_of_a_request_is_told_in_the_standard_header_too() {
    let backend = Backend::echo().await;
    for (trusted, expected) in [
        ("", "for=127.0.0.1;host=\"shop.example\";proto=http"),
        ("127.0.0.0/8", "for=1.2.3.4;proto=https, for=127.0.0.1;host=\"shop.example\";proto=http"),
    ] {
        let gateway = Gateway::before(&backend.url(), &[("TRUSTED_PROXIES", trusted)]).await;
        let request = gateway.request(Method::GET, "/api/products");
        let request = request.header("host", "shop.example").header("forwarded", "for=1.2.3.4;proto=https");
        let (_, seen) = json(gateway.send(request.body(full("")).unwrap()).await).await;
        assert_eq!(seen["headers"]["forwarded"], expected);
    }
}

#[tokio::test]
async fn answers_have_a_date_and_no_banner() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for target in ["/api/products", "/api/nothing", "/health", "/metrics", "/nothing"] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answers = exchange(gateway.addr(), &[bytes.as_bytes()], true).await;
        let [answer] = answers.as_slice() else { panic!("{target}: {answers:?}") };
        assert!(answer.header("date").is_some_and(|date| date.ends_with("GMT")), "{answer:?}");
        assert!(answer.header("server").is_none() && answer.header("x-powered-by").is_none(), "{answer:?}");
    }
}
