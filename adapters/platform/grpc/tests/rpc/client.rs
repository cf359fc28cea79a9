//! What a peer does around a call.

use std::{
    net::TcpListener,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use kernel_application::{CallContext, ErrorClass, HealthCheck as _, TraceContext};
use platform_grpc::{BreakerSettings, Call, ClientMetrics, Peer, PeerError, PeerSettings, ServerSettings};
use platform_telemetry::{Metrics, silent};
use proto::basket::v1::{Basket, basket_service_client::BasketServiceClient};

use crate::support::{Shop, TRACE, context, get, poll};

const READ: Call = Call::safe("GetBasket");

fn settings() -> PeerSettings {
    PeerSettings { retry_base: Duration::from_millis(1), ..PeerSettings::default() }
}

fn peer(address: &str, settings: PeerSettings) -> Peer {
    Peer::new("basket-service", address, settings, &silent(), ClientMetrics::new(&Metrics::new())).unwrap()
}

async fn ask(peer: &Peer, ctx: &CallContext, call: Call, user: &str) -> Result<Basket, PeerError> {
    let answer = peer.call(ctx, call, get(user), |channel, request| async move {
        BasketServiceClient::new(channel).get_basket(request).await
    });
    answer.await.map(|response| response.basket.unwrap())
}

#[tokio::test]
async fn request_id_trace_and_deadline_travel_on() {
    let shop = Shop::open().await;
    let peer = peer(&shop.address().to_string(), settings());
    let ctx = context().with_deadline(Instant::now() + Duration::from_millis(900));
    let seen = ask(&peer, &ctx, READ, "u1").await.unwrap();
    assert_eq!(seen.id, "req-1");
    let span = TraceContext::parse(&seen.user_id).unwrap();
    assert_eq!(span.trace_id(), ctx.trace().trace_id());
    assert_ne!(seen.user_id, TRACE);
    assert!((1..=900).contains(&seen.item_count), "{} ms left", seen.item_count);
}

#[tokio::test]
async fn a_peer_s_own_limit_counts_where_the_caller_has_none() {
    let shop = Shop::open().await;
    let own = PeerSettings { call_timeout: Duration::from_millis(700), ..settings() };
    let seen = ask(&peer(&shop.address().to_string(), own), &context(), READ, "u1").await.unwrap();
    assert!((1..=700).contains(&seen.item_count), "{} ms left", seen.item_count);
}

#[tokio::test]
async fn safe_calls_are_repeated_until_they_succeed() {
    let shop = Shop::open().await;
    shop.stage.failures_left.store(2, Ordering::SeqCst);
    let peer = peer(&shop.address().to_string(), settings());
    assert!(ask(&peer, &context(), READ, "flaky").await.is_ok());
    assert_eq!(shop.calls(), 3);
}

#[tokio::test]
async fn other_calls_are_sent_once() {
    let shop = Shop::open().await;
    shop.stage.failures_left.store(2, Ordering::SeqCst);
    let peer = peer(&shop.address().to_string(), settings());
    let error = ask(&peer, &context(), Call::once("GetBasket"), "flaky").await.unwrap_err();
    assert_eq!((error.class(), error.code()), (ErrorClass::Unavailable, "told_to_fail"));
    assert!(error.retry_after().is_some());
    assert_eq!(shop.calls(), 1);
}

#[tokio::test]
async fn retries_end_with_their_number_or_their_budget() {
    let shop = Shop::open().await;
    shop.stage.failures_left.store(u32::MAX, Ordering::SeqCst);
    let breaker = BreakerSettings { failures: u32::MAX, ..BreakerSettings::default() };
    let patient = PeerSettings { max_retries: 2, breaker, ..settings() };
    ask(&peer(&shop.address().to_string(), patient), &context(), READ, "flaky").await.unwrap_err();
    assert_eq!(shop.calls(), 3);

    let poor = PeerSettings { retry_budget: 1, breaker, ..settings() };
    ask(&peer(&shop.address().to_string(), poor), &context(), READ, "flaky").await.unwrap_err();
    assert_eq!(shop.calls(), 5);
}

#[tokio::test]
async fn an_answer_is_never_repeated_and_keeps_its_code() {
    let shop = Shop::open().await;
    let peer = peer(&shop.address().to_string(), settings());
    let error = ask(&peer, &context(), READ, "missing").await.unwrap_err();
    assert_eq!(
        (error.class(), error.code(), error.peer()),
        (ErrorClass::NotFound, "told_to_fail", "basket-service")
    );
    assert_eq!(shop.calls(), 1);
}

#[tokio::test]
async fn a_call_ends_with_its_deadline() {
    let shop = Shop::open().await;
    let own = PeerSettings { call_timeout: Duration::from_millis(40), ..settings() };
    let error = ask(&peer(&shop.address().to_string(), own), &context(), READ, "hang").await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);

    let past = context().with_deadline(Instant::now());
    let error = ask(&peer(&shop.address().to_string(), settings()), &past, READ, "u1").await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
    assert_eq!(shop.calls(), 1);
}

#[tokio::test]
async fn a_peer_that_accepts_and_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = PeerSettings { call_timeout: Duration::from_millis(60), ..settings() };
    let peer = peer(&silent.local_addr().unwrap().to_string(), own);
    let error = ask(&peer, &context(), READ, "u1").await.unwrap_err();
    assert!(matches!(error.class(), ErrorClass::Timeout | ErrorClass::Unavailable), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let hang_up = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut some = [0; 64];
            stream.readable().await.unwrap();
            let _ = stream.try_read(&mut some);
        }
    });
    let error =
        ask(&peer(&address, settings()), &context(), Call::once("GetBasket"), "u1").await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable, "{error:?}");
    hang_up.abort();
}

#[tokio::test]
async fn the_breaker_opens_holds_calls_back_and_closes_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let breaker = BreakerSettings { failures: 2, pause: Duration::from_millis(200) };
    let metrics = Metrics::new();
    let quick = PeerSettings { breaker, max_retries: 0, ..settings() };
    let peer =
        Peer::new("basket-service", &address.to_string(), quick, &silent(), ClientMetrics::new(&metrics))
            .unwrap();

    for _ in 0..2 {
        let error = ask(&peer, &context(), READ, "u1").await.unwrap_err();
        assert_eq!((error.class(), error.code()), (ErrorClass::Unavailable, ""));
    }
    let held_back = ask(&peer, &context(), READ, "u1").await.unwrap_err();
    assert_eq!((held_back.class(), held_back.code()), (ErrorClass::Unavailable, "circuit_open"));
    assert!(held_back.retry_after().unwrap() <= breaker.pause);
    assert!(metrics.encode().contains(r#"grpc_client_breaker_open{peer="basket-service"} 1"#));

    let listener = TcpListener::bind(address).unwrap();
    let _shop = Shop::open_on(listener, ServerSettings::default(), &Metrics::new()).await;
    poll(async || peer.ping(Duration::from_secs(1)).await.is_ok()).await;
    assert!(ask(&peer, &context(), READ, "u1").await.is_ok());
    assert!(metrics.encode().contains(r#"grpc_client_breaker_open{peer="basket-service"} 0"#));
}

#[tokio::test]
async fn a_restarted_peer_is_found_again() {
    let shop = Shop::open().await;
    let address = shop.address();
    let peer = peer(&address.to_string(), settings());
    assert!(ask(&peer, &context(), READ, "u1").await.is_ok());
    shop.stop.send(()).unwrap();
    shop.running.stopped().await.unwrap();
    assert!(peer.ping(Duration::from_secs(1)).await.is_err());

    let listener = TcpListener::bind(address).unwrap();
    let _shop = Shop::open_on(listener, ServerSettings::default(), &Metrics::new()).await;
    assert!(ask(&peer, &context(), READ, "u1").await.is_ok());
}

#[tokio::test]
async fn one_call_too_many_is_not_sent() {
    let shop = Shop::open().await;
    let narrow = PeerSettings { max_in_flight: 1, ..settings() };
    let peer = std::sync::Arc::new(peer(&shop.address().to_string(), narrow));
    let first = tokio::spawn({
        let peer = std::sync::Arc::clone(&peer);
        async move { ask(&peer, &context(), READ, "wait").await }
    });
    shop.stage.waiting.notified().await;
    let error = ask(&peer, &context(), READ, "u1").await.unwrap_err();
    assert_eq!(error.code(), "peer_busy");
    shop.stage.release.notify_one();
    assert!(first.await.unwrap().is_ok());
}

#[tokio::test]
async fn ping_tells_ready_from_not_ready() {
    let shop = Shop::open().await;
    let peer = peer(&shop.address().to_string(), settings());
    poll(async || peer.check().await.is_ok()).await;
    shop.ready.send_replace(false);
    poll(async || peer.check().await.is_err()).await;
    assert!(peer.check().await.unwrap_err().contains("not ready"));
    // A peer that is up but not ready still gets its calls: its answer decides.
    assert!(ask(&peer, &context(), READ, "u1").await.is_ok());
}
