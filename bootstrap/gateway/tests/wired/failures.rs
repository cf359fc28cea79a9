//! What clients get when there is nothing to pass on.

use crate::support::{Backend, Gateway, fed, full, json, nobody, piece, pieces};
use http::{Method, header};
use http_body_util::BodyExt;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Expects a whole problem.
async fn problem(gateway: &Gateway, target: &str) -> (u16, String) {
    let response = gateway.get(target).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{target}");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let (status, problem) = json(response).await;
    assert_eq!((&problem["status"], &problem["request_id"]), (&status.into(), &id.into()));
    (status, problem["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn unknown_paths_are_404() {
    let gateway = Gateway::before(&nobody(), &[]).await;
    for target in ["/api/nothing", "/api/productsX", "/api/users/u1", "/api/", "/api", "/products", "/"] {
        assert_eq!(problem(&gateway, target).await.0, 404, "{target}");
    }
}

#[tokio::test]
async fn ambiguous_paths_are_400() {
    let gateway = Gateway::before(&nobody(), &[]).await;
    for target in [
        "/api/payments/../products",
        "/api/products/%2e%2e/health",
        "/api/products/.%2E",
        "/api/products/a%2fb",
        "/api/products/a%5cb",
        "/api/products/%00",
        "/api/products//1",
        "/api/products/%zz",
    ] {
        assert_eq!(problem(&gateway, target).await, (400, "invalid_path".to_owned()), "{target}");
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_502() {
    let gateway = Gateway::before(&nobody(), &[]).await;
    assert_eq!(problem(&gateway, "/api/products").await, (502, "backend_unreachable".to_owned()));
}

#[tokio::test]
async fn a_service_that_hangs_is_504() {
    let backend = Backend::start(|_| std::future::pending()).await;
    let gateway = Gateway::before(&backend.url(), &[("UPSTREAM_FIRST_BYTE_TIMEOUT", "200ms")]).await;
    assert_eq!(problem(&gateway, "/api/products").await, (504, "backend_timeout".to_owned()));
}

#[tokio::test]
async fn a_service_that_talks_nonsense_or_hangs_up_is_502() {
    for answer in ["SSH-2.0-OpenSSH\r\n\r\n", ""] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut head = [0; 1024];
                    let _ = socket.read(&mut head).await;
                    let _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        let gateway = Gateway::before(&url, &[]).await;
        assert_eq!(problem(&gateway, "/api/products").await, (502, "bad_backend_answer".to_owned()));
    }
}

/// A body that was sent cannot be sent again, and the backend may have acted on it before it hung up.
#[tokio::test]
async fn a_request_that_fails_on_the_way_is_not_repeated() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let counter = Arc::clone(&counter);
            tokio::spawn(async move {
                let mut received = Vec::new();
                // Whoever sends something else is a health probe, and hangs up in the end.
                while socket.read_buf(&mut received).await.unwrap_or(0) > 0 {
                    if received.ends_with(b"charge me") {
                        counter.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                }
            });
        }
    });
    let gateway = Gateway::before(&url, &[]).await;
    for attempt in 1..=3 {
        let request = gateway.request(Method::POST, "/api/payments").body(full("charge me")).unwrap();
        let (status, problem) = json(gateway.send(request).await).await;
        assert_eq!((status, problem["code"].as_str()), (502, Some("bad_backend_answer")));
        assert_eq!(seen.load(Ordering::SeqCst), attempt, "one request, one attempt");
    }
}

#[tokio::test]
async fn a_service_that_is_switched_off_is_503() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[("PRODUCT_SERVICE_ENABLED", "false")]).await;
    assert_eq!(problem(&gateway, "/api/products").await, (503, "service_disabled".to_owned()));
    assert_eq!(gateway.get_json("/api/baskets/u1").await.0, 200);
    gateway.ready().await;
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_413_announced_or_not() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[("MAX_BODY_BYTES", "1000")]).await;
    let fits = gateway.request(Method::POST, "/api/payments").body(full(vec![b'x'; 1000])).unwrap();
    assert_eq!(gateway.send(fits).await.status(), 200);
    let announced = gateway.request(Method::POST, "/api/payments").body(full(vec![b'x'; 1001])).unwrap();
    let (status, problem) = json(gateway.send(announced).await).await;
    assert_eq!((status, problem["code"].as_str()), (413, Some("too_large")));
    let (sender, body) = pieces();
    let chunked = gateway.request(Method::POST, "/api/payments").body(body).unwrap();
    let client = async {
        for _ in 0..2 {
            let _ = sender.send(Ok(vec![b'x'; 600].into())).await;
        }
        sender
    };
    let (response, _open) = tokio::join!(gateway.send(chunked), client);
    let (status, problem) = json(response).await;
    assert_eq!((status, problem["code"].as_str()), (413, Some("too_large")));
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_complete() {
    let (sender, backend) = fed("application/json").await;
    let gateway = Gateway::before(&nobody(), &[("PRODUCT_SERVICE_URLS", &backend.url())]).await;
    let (response, half) = tokio::join!(gateway.get("/api/products"), sender.send(Ok("half".into())));
    half.unwrap();
    let mut body = response.into_body();
    assert_eq!(piece(&mut body).await.unwrap(), "half");
    sender.send(Err(std::io::Error::other("broken"))).await.unwrap();
    assert!(body.collect().await.is_err());
}

#[tokio::test]
async fn a_hanging_service_does_not_slow_the_others() {
    let (hanging, well) = (Backend::start(|_| std::future::pending()).await, Backend::echo().await);
    let gateway = Gateway::before(&well.url(), &[("PRODUCT_SERVICE_URLS", &hanging.url())]).await;
    let stuck = gateway.get("/api/products");
    tokio::pin!(stuck);
    for _ in 0..10 {
        tokio::select! {
            biased;
            _ = &mut stuck => panic!("the hanging service answered"),
            (status, _) = gateway.get_json("/api/baskets/u1") => assert_eq!(status, 200),
        }
    }
}

#[tokio::test]
async fn a_raw_request_with_two_framings_is_400() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
    let request = "POST /api/payments HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    socket.read_exact(&mut status).await.unwrap();
    assert_eq!(std::str::from_utf8(&status).unwrap(), "HTTP/1.1 400");
}
