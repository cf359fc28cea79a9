//! Clients that cost more than they should: who does not read, and who asks what everybody is asked for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use hyper_h2::client;
use platform_testkit::{PATIENCE, eventually};
use tokio::{net::TcpStream, time::timeout};

use crate::support::{Backend, Gateway, full};

#[tokio::test]
async fn a_client_that_makes_no_room_does_not_hold_the_backend_s_place() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let socket = TcpStream::connect(gateway.addr()).await.unwrap();
    let (client, connection) =
        client::Builder::new().initial_window_size(0).handshake::<_, Bytes>(socket).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let asked = Request::get("http://shop.example/api/products").body(()).unwrap();
    let (answer, _) = client.send_request(asked, true).unwrap();
    let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    let line = format!("gateway_backend_in_flight{{service=\"product\",backend=\"{}\"}} 0", backend.addr);
    let free = || async { gateway.metrics().await.contains(&line).then_some(()) };
    // Sooner than the client is given up.
    timeout(Duration::from_secs(10), eventually(PATIENCE, free)).await.unwrap().unwrap();
    assert!(!answer.body().is_end_stream(), "nothing of the body was taken");
}

#[tokio::test]
async fn backends_are_asked_once_for_all_who_want_to_see_them() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let backend = Backend::start(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Response::new(full("{}")))
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[("HEALTH_CHECK_INTERVAL", "1h")]).await;
    gateway.ready().await;
    let before = asked.load(Ordering::SeqCst);
    let shown = join_all((0..50).map(|_| gateway.get_json("/health/detailed"))).await;
    assert!(shown.iter().all(|(status, report)| *status == 200 && report["status"] == "up"));
    let times = (asked.load(Ordering::SeqCst) - before).div_ceil(4);
    assert!((1..=16).contains(&times), "four services were asked {times} times");
}
