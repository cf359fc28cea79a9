//! Several backends of one service.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use crate::support::{Backend, Gateway, full, json, nobody};
use futures_util::future::join_all;
use http::{Method, Response, header};
use platform_testkit::{PATIENCE, eventually};

/// How many of `count` requests each backend got.
async fn shares(gateway: &Gateway, count: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..count {
        let (status, seen) = gateway.get_json("/api/products").await;
        assert_eq!(status, 200);
        *shares.entry(seen["headers"]["host"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    shares
}

#[tokio::test]
async fn weights_are_shares_where_the_strategy_has_them() {
    let (one, two) = (Backend::echo().await, Backend::echo().await);
    let urls = format!("{},{};weight=3", one.url(), two.url());
    for (strategy, least, most) in [
        ("round_robin", 20, 20),
        ("weighted_round_robin", 10, 10),
        // Without load the wheel decides, but the last request may not be quite over when the next one comes.
        ("least_connections", 5, 15),
        // Latencies decide, whatever they are; both are used.
        ("power_of_two_choices", 1, 39),
    ] {
        let gateway = Gateway::before(&urls, &[("LOAD_BALANCER_STRATEGY", strategy)]).await;
        let shares = shares(&gateway, 40).await;
        let of_one = shares[&one.addr.to_string()];
        assert!((least..=most).contains(&of_one), "{strategy}: {shares:?}");
    }
}

#[tokio::test]
async fn without_balancing_the_first_backend_takes_all() {
    let (one, two) = (Backend::echo().await, Backend::echo().await);
    let urls = format!("{},{};weight=3", one.url(), two.url());
    let gateway = Gateway::before(&urls, &[("LOAD_BALANCER_ENABLED", "false")]).await;
    assert_eq!(shares(&gateway, 10).await, BTreeMap::from([(one.addr.to_string(), 10)]));
}

#[tokio::test]
async fn a_backend_killed_under_load_costs_no_get() {
    let (stays, dies) = (Backend::echo().await, Backend::echo().await);
    let urls = format!("{},{}", stays.url(), dies.url());
    let quick = [("HEALTH_CHECK_INTERVAL", "20ms"), ("HEALTH_CHECK_DOWN", "3")];
    let gateway = Gateway::before(&urls, &quick).await;
    let sent = AtomicUsize::new(0);
    let client = async || {
        while sent.fetch_add(1, Ordering::Relaxed) < 1_000 {
            assert_eq!(gateway.get_json("/api/products").await.0, 200);
        }
    };
    let kill = async {
        eventually(PATIENCE, || async { (sent.load(Ordering::Relaxed) > 300).then_some(()) }).await.unwrap();
        drop(dies);
    };
    tokio::join!(join_all((0..16).map(|_| client())), kill);
    assert!(sent.load(Ordering::Relaxed) >= 1_000);
    assert!(gateway.metrics().await.contains("gateway_upstream_retries_total{"), "requests were sent again");
}

#[tokio::test]
async fn a_backend_that_is_not_ready_gets_nothing() {
    let well = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&well);
    let moody = Backend::start(move |request| {
        let ready = switch.load(Ordering::SeqCst) || !request.uri().path().starts_with("/health");
        let status = if ready { 200 } else { 503 };
        std::future::ready(Response::builder().status(status).body(full("{}")).unwrap())
    })
    .await;
    let quick = [("HEALTH_CHECK_INTERVAL", "20ms"), ("HEALTH_CHECK_DOWN", "2")];
    let gateway = Gateway::before(&moody.url(), &quick).await;
    let status = |expected: u16| {
        let gateway = &gateway;
        move || async move { (gateway.get("/api/products").await.status() == expected).then_some(()) }
    };
    eventually(PATIENCE, status(503)).await.unwrap();
    let response = gateway.get("/api/products").await;
    let after: u64 = response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!(after >= 1);
    let (status_code, problem) = json(response).await;
    assert_eq!((status_code, problem["code"].as_str()), (503, Some("no_backend")));
    well.store(true, Ordering::SeqCst);
    eventually(PATIENCE, status(200)).await.unwrap();
    gateway.ready().await;
}

/// A `POST` that never left goes elsewhere, with its whole body; its client sees nothing of it.
#[tokio::test]
async fn requests_that_never_left_go_to_another_backend() {
    let backend = Backend::echo().await;
    let urls = format!("{},{}", nobody(), backend.url());
    let gateway = Gateway::before(&urls, &[]).await;
    for number in 0..6 {
        let body = format!("charge {number}");
        let request = gateway.request(Method::POST, "/api/payments").body(full(body.clone())).unwrap();
        let (status, seen) = json(gateway.send(request).await).await;
        assert_eq!((status, seen["body"].as_str()), (200, Some(body.as_str())));
    }
}
