//! Taking a backend out under load.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use futures_util::future::{join, join_all};
use http::{Method, Response};
use platform_testkit::{PATIENCE, eventually};
use serde_json::{Value, json};

use super::Office;
use crate::support::{Backend, bytes, fed, full, piece};

const BACKENDS: &str = "/admin/loadbalancer/product/backends";

/// A backend that counts what it is asked for besides its health, and takes a moment.
async fn counting() -> (Backend, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let backend = Backend::start(move |request: http::Request<hyper::body::Incoming>| {
        let counter = Arc::clone(&counter);
        async move {
            if !request.uri().path().starts_with("/health") {
                counter.fetch_add(1, SeqCst);
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            }
            Response::new(full("{}"))
        }
    })
    .await;
    (backend, asked)
}

/// Requests without a pause, from several clients, as long as `work` takes; how many there were, and the statuses that
/// were not 200.
async fn load_while(office: &Office, work: impl Future<Output = ()>) -> (usize, Vec<u16>) {
    let stopped = AtomicBool::new(false);
    let client = || async {
        let (mut sent, mut bad) = (0, Vec::new());
        while !stopped.load(SeqCst) {
            let response = office.gateway.get("/api/products").await;
            let status = response.status().as_u16();
            bytes(response).await;
            sent += 1;
            bad.extend((status != 200).then_some(status));
        }
        (sent, bad)
    };
    let work = async {
        work.await;
        stopped.store(true, SeqCst);
    };
    let ((), clients) = join(work, join_all((0..8).map(|_| client()))).await;
    let failed = clients.iter().flat_map(|(_, bad)| bad.clone()).collect();
    (clients.iter().map(|(sent, _)| sent).sum(), failed)
}

async fn until(probe: impl Fn() -> bool) {
    eventually(PATIENCE, || async { probe().then_some(()) }).await.unwrap();
}

#[tokio::test]
async fn drains_and_removals_under_load_lose_no_request() {
    let ((first, to_first), (second, to_second)) = (counting().await, counting().await);
    let urls = format!("{},{}", first.url(), second.url());
    let variables = [
        ("PRODUCT_SERVICE_URLS", urls.as_str()),
        ("RETRY_ENABLED", "false"),
        ("LOAD_BALANCER_SLOW_START", "0s"),
    ];
    let office = Office::open(&first.url(), &variables).await;
    let path = format!("{BACKENDS}/{}", first.addr);
    let steps = async {
        for _ in 0..5 {
            let before = to_first.load(SeqCst);
            until(|| to_first.load(SeqCst) > before + 20).await;
            office.send(Method::PATCH, &path, json!({ "draining": true })).await;
            let drained = || async { (office.get(&path).await["drained"] == true).then_some(()) };
            eventually(PATIENCE, drained).await.unwrap();
            let (idle, others) = (to_first.load(SeqCst), to_second.load(SeqCst));
            until(|| to_second.load(SeqCst) > others + 50).await;
            assert_eq!(to_first.load(SeqCst), idle, "a drained backend is asked for nothing");
            office.send(Method::PATCH, &path, json!({ "draining": false })).await;
            let before = to_first.load(SeqCst);
            until(|| to_first.load(SeqCst) > before + 20).await;
            assert_eq!(office.send(Method::DELETE, &path, Value::Null).await.status, 204);
            assert_eq!(office.send(Method::POST, BACKENDS, json!({ "url": first.url() })).await.status, 201);
        }
    };
    let (sent, failed) = load_while(&office, steps).await;
    assert!(failed.is_empty() && sent > 500, "{sent} {failed:?}");
}

#[tokio::test]
async fn the_end_of_a_drain_is_seen() {
    let (sender, slow) = fed("application/json").await;
    let other = Backend::echo().await;
    let office = Office::open(&other.url(), &[("PRODUCT_SERVICE_URLS", &slow.url())]).await;
    let mut response = office.gateway.get("/api/products").await;
    let path = format!("{BACKENDS}/{}", slow.addr);
    let draining = office.send(Method::PATCH, &path, json!({ "draining": true })).await.body;
    assert_eq!((&draining["in_flight"], &draining["drained"]), (&1.into(), &false.into()));
    let refused = office.gateway.get_json("/api/products").await;
    assert_eq!((refused.0, &refused.1["code"]), (503, &"no_backend".into()));
    office.send(Method::POST, BACKENDS, json!({ "url": other.url() })).await;
    office.send(Method::DELETE, &path, Value::Null).await;
    let leaving = &office.get("/admin/loadbalancer/product").await["leaving"];
    assert_eq!(*leaving, json!([{ "url": slow.url(), "server_name": null, "in_flight": 1 }]));

    sender.send(Ok("whole".into())).await.unwrap();
    assert_eq!(piece(response.body_mut()).await.unwrap(), "whole");
    drop(sender);
    assert!(piece(response.body_mut()).await.is_none());
    let gone =
        || async { (office.get("/admin/loadbalancer/product").await["leaving"] == json!([])).then_some(()) };
    eventually(PATIENCE, gone).await.unwrap();
}
