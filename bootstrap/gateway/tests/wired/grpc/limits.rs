//! What clients may do, and how much at once.

use bytes::Bytes;
use futures_util::stream;
use platform_testkit::{PATIENCE, eventually};
use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::{
    BASKET, PRODUCT, before,
    client::{Client, message, with},
    shop::Shop,
};

#[tokio::test]
async fn clients_are_limited_as_over_http() {
    let shop = Shop::open().await;
    let variables = [("RATE_LIMIT_ENABLED", "true"), ("RATE_LIMIT_BURST", "1"), ("RATE_LIMIT_REQUESTS", "1")];
    let gateway = before(&shop.url(), &variables).await;
    let client = Client::of(&gateway).await;
    let response = client.unary(PRODUCT, "GetProduct", message("")).await.unwrap();
    assert_eq!(response.metadata().get("ratelimit-remaining").unwrap(), "0");
    let status = client.ask(PRODUCT, "GetProduct").await.unwrap_err();
    let details = status.get_error_details();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(details.error_info().unwrap().reason, "rate_limited");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    client.ask(PRODUCT, "CreateProduct").await.unwrap();
    assert_eq!(shop.calls(), 2);
}

#[tokio::test]
async fn messages_and_metadata_have_a_longest() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[("MAX_BODY_BYTES", "1000"), ("MAX_HEADER_BYTES", "2048")]).await;
    let client = Client::of(&gateway).await;
    let bytes = |count| Bytes::from(vec![b'x'; count]);
    client.unary(PRODUCT, "GetProduct", Request::new(bytes(1000))).await.unwrap();
    let refused = client.unary(PRODUCT, "GetProduct", Request::new(bytes(1001))).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    // A stream is as long as it likes; its messages are not.
    let counted =
        client.client_streaming(BASKET, "Count", stream::iter((0..50).map(move |_| bytes(1000)))).await;
    assert_eq!(counted.unwrap().get_ref(), "50 messages, 50000 bytes");
    let messages = stream::iter([bytes(10), bytes(1001)]);
    let refused = client.client_streaming(BASKET, "Count", messages).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let long = with(message(""), "x-long", &"x".repeat(2048));
    let refused = client.unary(PRODUCT, "GetProduct", long).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(!gateway.metrics().await.contains("gateway_upstream_errors_total{service=\"product\""));
}

#[tokio::test]
async fn a_place_is_held_until_the_last_trailer() {
    let shop = Shop::open().await;
    let variables = [("UPSTREAM_MAX_IN_FLIGHT", "1"), ("UPSTREAM_MAX_WAITING", "0")];
    let gateway = before(&shop.url(), &variables).await;
    let client = Client::of(&gateway).await;
    let mut chat = client.chat(PRODUCT).await.unwrap();
    chat.say("hello").await.unwrap();
    let status = client.ask(PRODUCT, "GetProduct").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "overloaded");
    chat.end().await;
    let free = || async { client.ask(PRODUCT, "GetProduct").await.ok() };
    eventually(PATIENCE, free).await.unwrap();
    // A client that goes away in the middle gives it back, too.
    drop(client.chat(PRODUCT).await.unwrap());
    eventually(PATIENCE, free).await.unwrap();
}

#[tokio::test]
async fn more_streams_than_a_connection_has_take_more_connections() {
    let shop = Shop::with_streams(2).await;
    let gateway = before(&shop.url(), &[]).await;
    let client = Client::of(&gateway).await;
    let mut chats = Vec::new();
    for _ in 0..7 {
        let mut chat = client.chat(PRODUCT).await.unwrap();
        assert_eq!(chat.say("hello").await.unwrap(), "hello");
        chats.push(chat);
    }
    assert!(shop.connections() >= 4, "{}", shop.connections());
    for chat in &mut chats {
        assert_eq!(chat.say("still there").await.unwrap(), "still there");
    }
    let before = shop.connections();
    drop(chats);
    for _ in 0..20 {
        client.ask(PRODUCT, "GetProduct").await.unwrap();
    }
    assert_eq!(shop.connections(), before, "connections are used again");
}
