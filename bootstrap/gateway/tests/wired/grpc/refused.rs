//! Calls that go no further than the edge: what they cost, and what is seen of them.

use platform_identity::testing::TestIssuer;
use tonic::Code;
use tonic_types::StatusExt;

use super::{
    BASKET, PRODUCT, before,
    client::{Client, message, with},
    shop::Shop,
};
use crate::{access_log::lines, support::nobody};

#[tokio::test]
async fn who_tries_tokens_or_doors_is_soon_told_to_wait() {
    let (shop, issuer, folder) = (Shop::open().await, TestIssuer::new(), tempfile::tempdir().unwrap());
    let environment = issuer.environment(folder.path()).unwrap();
    let limits = [("RATE_LIMIT_ENABLED", "true"), ("RATE_LIMIT_BURST", "2"), ("RATE_LIMIT_REQUESTS", "1")];
    let variables: Vec<_> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).chain(limits).collect();
    let gateway = before(&shop.url(), &variables).await;
    let client = Client::of(&gateway).await;
    let forged = || with(message(""), "authorization", "Bearer forged");
    let mut codes = Vec::new();
    for _ in 0..2 {
        codes.push(client.unary(PRODUCT, "GetProduct", forged()).await.unwrap_err().code());
    }
    // Reading is over for this address, whatever it reads.
    let refused = client.unary(PRODUCT, "GetProduct", forged()).await.unwrap_err();
    assert!(refused.get_error_details().retry_info().unwrap().retry_delay.is_some());
    codes.push(refused.code());
    codes.push(client.ask("shop.v1.Shop", "Get").await.unwrap_err().code());
    for _ in 0..3 {
        codes.push(client.ask(BASKET, "AddItem").await.unwrap_err().code());
    }
    let [unknown, limited] = [Code::Unauthenticated, Code::ResourceExhausted];
    assert_eq!(codes, [unknown, unknown, limited, limited, unknown, unknown, limited]);
    // Who is known has a quota of its own.
    let bearer = issuer.bearer("ada", &[]);
    client.unary(BASKET, "AddItem", with(message(""), "authorization", &bearer)).await.unwrap();
    assert_eq!(shop.calls(), 1);
    let metrics = gateway.metrics().await;
    for line in [
        format!("service=\"product\",method=\"{PRODUCT}/GetProduct\",code=\"invalid_token\"}} 2"),
        format!("service=\"product\",method=\"{PRODUCT}/GetProduct\",code=\"rate_limited\"}} 1"),
        "service=\"unknown\",method=\"unknown\",code=\"rate_limited\"} 1".to_owned(),
        format!("service=\"basket\",method=\"{BASKET}/AddItem\",code=\"unauthenticated\"}} 2"),
    ] {
        let line = format!("gateway_calls_total{{{line}");
        assert!(metrics.contains(&line), "{line} is missing in\n{metrics}");
    }
}

#[tokio::test]
async fn a_call_that_comes_back_is_refused() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let client = Client::of(&gateway).await;
    let looped = client.unary(PRODUCT, "GetProduct", with(message(""), "via", "1.1 cache, 2 gateway")).await;
    let status = looped.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "loop_detected");
    assert_eq!(shop.calls(), 0);
}

#[tokio::test]
async fn a_line_tells_why_a_call_was_refused() {
    let variables = [("GRPC_ENABLED", "true"), ("AUTH_MODE", "off")];
    let lines = lines(&nobody(), &variables, async |gateway| {
        let client = Client::of(gateway).await;
        let request = with(message(""), "x-request-id", "r-7");
        client.unary("shop.v1.Shop", "Get", request).await.unwrap_err();
    })
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    for (field, value) in [
        ("msg", "call"),
        ("request_id", "r-7"),
        ("upstream", "unknown"),
        ("method", "unknown"),
        ("code", "unknown_route"),
        ("peer", "127.0.0.1"),
    ] {
        assert_eq!(lines[0][field], value, "{field}");
    }
}
