//! What keeps clients and services from each other's throats: rate limits, breakers, places, retries.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{Backend, Gateway, full, json, pieces};
use futures_util::future::join_all;
use http::{Method, Response, header};
use platform_testkit::{PATIENCE, eventually};

#[tokio::test]
async fn clients_that_ask_too_often_are_429() {
    let backend = Backend::echo().await;
    let limit = [("RATE_LIMIT_ENABLED", "true"), ("RATE_LIMIT_REQUESTS", "1"), ("RATE_LIMIT_BURST", "2")];
    let gateway = Gateway::before(&backend.url(), &limit).await;
    for remaining in ["1", "0"] {
        let response = gateway.get("/api/products").await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["ratelimit-remaining"]),
            (200, &remaining.parse().unwrap())
        );
    }
    let response = gateway.get("/api/baskets/u1").await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    for (name, least, most) in [
        ("retry-after", 50, 60),
        ("ratelimit-limit", 2, 2),
        ("ratelimit-remaining", 0, 0),
        ("ratelimit-reset", 110, 120),
    ] {
        let value: u64 = response.headers()[name].to_str().unwrap().parse().unwrap();
        assert!((least..=most).contains(&value), "{name}: {value}");
    }
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let (status, problem) = json(response).await;
    assert_eq!((status, &problem["code"], &problem["request_id"]), (429, &"rate_limited".into(), &id.into()));
    // Reading much is no reason not to be let pay, or looked after.
    let pay = gateway.request(Method::POST, "/api/payments").body(full("{}")).unwrap();
    assert_eq!(gateway.send(pay).await.status(), 200);
    for _ in 0..5 {
        assert_eq!(gateway.get("/health/live").await.status(), 200);
    }
    let line = r#"gateway_turned_away_total{service="basket",route="/baskets/*",reason="rate_limited"} 1"#;
    assert!(gateway.metrics().await.contains(line));
}

#[tokio::test]
async fn a_breaker_opens_tries_again_and_closes() {
    let (well, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (switch, counter) = (Arc::clone(&well), Arc::clone(&asked));
    let backend = Backend::start(move |request| {
        let path = request.uri().path().to_owned();
        if !path.starts_with("/health") {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        let status = match path.as_str() {
            "/products/400" => 400,
            _ if switch.load(Ordering::SeqCst) || path.starts_with("/health") => 200,
            _ => 500,
        };
        std::future::ready(Response::builder().status(status).body(full("{}")).unwrap())
    })
    .await;
    let variables = [
        ("CIRCUIT_BREAKER_TIMEOUT", "300ms"),
        ("CIRCUIT_BREAKER_MAX_REQUESTS", "2"),
        ("CIRCUIT_BREAKER_MIN_CALLS", "10"),
    ];
    let gateway = Gateway::before(&backend.url(), &variables).await;
    // The client's mistakes say nothing against the backend.
    for _ in 0..30 {
        assert_eq!(gateway.get("/api/products/400").await.status(), 400);
    }
    for _ in 0..30 {
        assert_eq!(gateway.get("/api/products").await.status(), 500);
    }
    let open = gateway.get("/api/products").await;
    assert_eq!(open.headers()[header::RETRY_AFTER], "1");
    let (status, problem) = json(open).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("circuit_open")));
    let before = asked.load(Ordering::SeqCst);
    join_all((0..20).map(|_| gateway.get("/api/products"))).await;
    assert!(
        asked.load(Ordering::SeqCst) - before <= 2,
        "an open breaker lets nobody through, but its trials"
    );
    assert_eq!(gateway.get("/api/baskets/u1").await.status(), 500, "each service has its own breaker");
    well.store(true, Ordering::SeqCst);
    let closed = || async {
        gateway.get("/api/products").await;
        gateway
            .metrics()
            .await
            .lines()
            .any(|line| {
                line.starts_with("gateway_backend_changes_total")
                    && line.contains("service=\"product\",protocol=\"http\"")
                    && line.contains("breaker_closed")
            })
            .then_some(())
    };
    eventually(PATIENCE, closed).await.unwrap();
    assert_eq!(gateway.get("/api/products").await.status(), 200);
}

#[tokio::test]
async fn more_than_a_backend_takes_waits_and_more_than_that_is_turned_away() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, highest) = (Arc::clone(&now), Arc::clone(&most));
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let door = Arc::clone(&gate);
    let backend = Backend::start(move |request| {
        let (running, highest, door) = (Arc::clone(&running), Arc::clone(&highest), Arc::clone(&door));
        async move {
            if !request.uri().path().starts_with("/health") {
                let count = running.fetch_add(1, Ordering::SeqCst) + 1;
                highest.fetch_max(count, Ordering::SeqCst);
                door.acquire().await.unwrap().forget();
                running.fetch_sub(1, Ordering::SeqCst);
            }
            Response::new(full("{}"))
        }
    })
    .await;
    let variables =
        [("UPSTREAM_MAX_IN_FLIGHT", "2"), ("UPSTREAM_MAX_WAITING", "3"), ("UPSTREAM_QUEUE_TIMEOUT", "60s")];
    let gateway = Gateway::before(&backend.url(), &variables).await;
    let waiting = || async {
        gateway
            .metrics()
            .await
            .contains(&format!(
                "gateway_backend_waiting{{service=\"product\",backend=\"{}\"}} 3",
                backend.addr
            ))
            .then_some(())
    };
    let five = join_all((0..5).map(|_| gateway.get("/api/products")));
    let sixth = async {
        eventually(PATIENCE, waiting).await.unwrap();
        let answer = json(gateway.get("/api/products").await).await;
        gate.add_permits(100);
        answer
    };
    let (answered, (status, problem)) = tokio::join!(five, sixth);
    assert!(answered.iter().all(|response| response.status() == 200));
    assert_eq!((status, problem["code"].as_str()), (503, Some("overloaded")));
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_client_that_does_not_send_is_408_and_no_mark_against_the_backend() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[("UPSTREAM_FIRST_BYTE_TIMEOUT", "200ms")]).await;
    let (sender, body) = pieces();
    let request = gateway.request(Method::POST, "/api/payments").body(body).unwrap();
    let (response, _open) = tokio::join!(gateway.send(request), async {
        sender.send(Ok("a".into())).await.unwrap();
        sender
    });
    let (status, problem) = json(response).await;
    assert_eq!((status, problem["code"].as_str()), (408, Some("body_slow")));
    assert!(!gateway.metrics().await.contains("gateway_upstream_errors_total{service=\"payment\""));
}

#[tokio::test]
async fn a_client_s_own_deadline_is_kept() {
    let backend = Backend::start(|request| async move {
        if !request.uri().path().starts_with("/health") {
            std::future::pending::<()>().await;
        }
        Response::new(full("{}"))
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let request = gateway.request(Method::GET, "/api/products").header("x-request-timeout-ms", "100");
    let start = std::time::Instant::now();
    let (status, _) = json(gateway.send(request.body(full("")).unwrap()).await).await;
    assert_eq!(status, 504);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(!gateway.metrics().await.contains("gateway_upstream_errors_total{service=\"product\""));
}
