//! Backends that are away, fail, or die.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use hyper_h2::Reason;
use platform_testkit::{PATIENCE, eventually};
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{
    BASKET, PRODUCT, before,
    client::{Client, message},
    shop::Shop,
};
use crate::support::nobody;

const PAYMENT: &str = "payment.v1.PaymentService";

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

#[tokio::test]
async fn a_service_that_is_away_is_unavailable_and_says_when_to_come_back() {
    let gateway = before(&nobody(), &[]).await;
    let client = Client::of(&gateway).await;
    let status = client.ask(PRODUCT, "GetProduct").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "backend_unreachable"));
    assert!(status.get_error_details().retry_info().is_some());
    assert!(!status.message().contains("127.0.0.1"), "{}", status.message());
}

#[tokio::test]
async fn probes_take_a_backend_out() {
    let quick = [("HEALTH_CHECK_INTERVAL", "20ms"), ("HEALTH_CHECK_DOWN", "2")];
    let gateway = before(&nobody(), &quick).await;
    let client = Client::of(&gateway).await;
    let taken_out = || async {
        let status = client.ask(PRODUCT, "GetProduct").await.unwrap_err();
        let retry = status.get_error_details().retry_info().and_then(|info| info.retry_delay);
        (reason(&status) == "no_backend").then_some(retry.unwrap())
    };
    let retry = eventually(PATIENCE, taken_out).await.unwrap();
    assert!(retry > Duration::ZERO);
}

#[tokio::test]
async fn calls_that_never_left_go_to_another_backend() {
    let shop = Shop::open().await;
    let gateway = before(&format!("{},{}", nobody(), shop.url()), &[]).await;
    let client = Client::of(&gateway).await;
    for _ in 0..3 {
        client.ask(PAYMENT, "CreatePayment").await.unwrap();
        let mut chat = client.chat(BASKET).await.unwrap();
        assert_eq!(chat.say("hello").await.unwrap(), "hello");
    }
    assert_eq!(shop.calls(), 6);
}

/// A backend that refuses a stream has not begun with the call, whatever that is.
#[tokio::test]
async fn calls_that_were_refused_go_to_another_backend() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refusing = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection = hyper_h2::server::handshake(socket).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    respond.send_reset(Reason::REFUSED_STREAM);
                }
            });
        }
    });
    let shop = Shop::open().await;
    let gateway = before(&format!("{refusing},{}", shop.url()), &[]).await;
    let client = Client::of(&gateway).await;
    for _ in 0..4 {
        client.ask(PAYMENT, "CreatePayment").await.unwrap();
    }
    assert_eq!(shop.calls(), 4);
}

#[tokio::test]
async fn a_breaker_opens_on_statuses_that_blame_the_service() {
    let variables =
        [("CIRCUIT_BREAKER_MIN_CALLS", "4"), ("OUTLIER_ENABLED", "false"), ("RETRY_ENABLED", "false")];
    let gateway = before(&nobody(), &variables).await;
    let client = Client::of(&gateway).await;
    for _ in 0..4 {
        assert_eq!(reason(&client.ask(PRODUCT, "GetProduct").await.unwrap_err()), "backend_unreachable");
    }
    let status = client.ask(PRODUCT, "GetProduct").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "circuit_open"));
    let retry = status.get_error_details().retry_info().and_then(|info| info.retry_delay).unwrap();
    assert!(retry > Duration::from_secs(20), "{retry:?}");
    // Over HTTP, the same service may be well.
    let metrics = gateway.metrics().await;
    let news: Vec<_> = metrics.lines().filter(|line| line.contains("breaker_open")).collect();
    assert!(news.len() == 1 && news[0].contains(r#"service="product",protocol="grpc""#), "{news:?}");

    // Statuses that blame the caller open nothing.
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &variables).await;
    let client = Client::of(&gateway).await;
    for _ in 0..8 {
        assert_eq!(client.ask(PRODUCT, "Fail").await.unwrap_err().code(), Code::FailedPrecondition);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_with_a_status() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let client = Client::of(&gateway).await;
    let mut watched = client.server_streaming(PRODUCT, "Half", message("")).await.unwrap();
    assert_eq!(watched.message().await.unwrap().unwrap(), "half");
    drop(shop);
    let status = watched.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "bad_backend_answer"));
}

#[tokio::test]
async fn a_backend_killed_under_load_costs_no_read() {
    let (stays, dies) = (Shop::open().await, Shop::open().await);
    let quick = [("HEALTH_CHECK_INTERVAL", "20ms"), ("HEALTH_CHECK_DOWN", "3")];
    let gateway = before(&format!("{},{}", stays.url(), dies.url()), &quick).await;
    let client = Client::of(&gateway).await;
    let sent = AtomicUsize::new(0);
    let calling = async || {
        while sent.fetch_add(1, Ordering::Relaxed) < 1_000 {
            client.ask(PRODUCT, "GetProduct").await.unwrap();
        }
    };
    let kill = async {
        eventually(PATIENCE, || async { (sent.load(Ordering::Relaxed) > 300).then_some(()) }).await.unwrap();
        drop(dies);
    };
    tokio::join!(join_all((0..16).map(|_| calling())), kill);
    assert!(sent.load(Ordering::Relaxed) >= 1_000);
}

#[tokio::test]
async fn a_method_with_one_message_each_way_has_the_gateway_s_own_deadline() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[("UPSTREAM_FIRST_BYTE_TIMEOUT", "200ms")]).await;
    let client = Client::of(&gateway).await;
    let status = client.ask(BASKET, "GetBasket").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "backend_timeout"));
}

#[tokio::test]
async fn a_server_that_does_not_speak_grpc_is_unavailable() {
    let plain = crate::support::Backend::echo().await;
    let gateway = before(&plain.url(), &[("UPSTREAM_CONNECT_TIMEOUT", "500ms")]).await;
    let client = Client::of(&gateway).await;
    assert_eq!(client.ask(PRODUCT, "GetProduct").await.unwrap_err().code(), Code::Unavailable);
}
