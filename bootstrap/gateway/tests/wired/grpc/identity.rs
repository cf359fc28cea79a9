//! Who calls.

use platform_identity::testing::TestIssuer;
use platform_testkit::PATIENCE;
use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{
    BASKET, PRODUCT, before,
    client::{Client, message, with},
    shop::Shop,
};
use crate::lasting::SHORT;

#[tokio::test]
async fn all_but_reading_products_needs_a_token_that_is_good() {
    let shop = Shop::open().await;
    let issuer = TestIssuer::new();
    let folder = tempfile::tempdir().unwrap();
    let environment = issuer.environment(folder.path()).unwrap();
    let variables: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let gateway = before(&shop.url(), &variables).await;
    let client = Client::of(&gateway).await;
    for method in ["GetProduct", "GetProducts"] {
        client.ask(PRODUCT, method).await.unwrap();
    }
    for (service, method) in [(PRODUCT, "CreateProduct"), (BASKET, "CreateBasket"), (BASKET, "Watch")] {
        let status = client.ask(service, method).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{method}");
    }
    let bearer = issuer.bearer("ada", &[]);
    let request = with(message(""), "authorization", &bearer);
    client.unary(BASKET, "CreateBasket", request).await.unwrap();
    for (kind, token) in issuer.bad_tokens("ada", &[]) {
        let request = with(message(""), "authorization", &format!("Bearer {token}"));
        let status = client.unary(PRODUCT, "GetProduct", request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{kind}");
    }
    assert_eq!(shop.calls(), 3);
    // The service reads the token again.
    let request = with(message(""), "authorization", &bearer);
    let seen = client.unary(BASKET, "Metadata", request).await.unwrap();
    assert!(String::from_utf8_lossy(seen.get_ref()).contains(&format!("authorization: {bearer}")));
}

#[tokio::test]
async fn a_stream_ends_with_the_token_that_opened_it() {
    let (shop, issuer) = (Shop::open().await, TestIssuer::new());
    let folder = tempfile::tempdir().unwrap();
    let environment = issuer.environment(folder.path()).unwrap();
    let variables: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let gateway = before(&shop.url(), &variables).await;
    let client = Client::of(&gateway).await;
    let bearer = format!("Bearer {}", issuer.lasting("ada", &[], SHORT));
    let opened = || with(message(""), "authorization", &bearer);
    let begun = async {
        let mut half = client.server_streaming(BASKET, "Half", opened()).await.unwrap();
        assert_eq!(half.message().await.unwrap().unwrap(), "half");
        half.message().await.unwrap_err()
    };
    // A backend may wait with its head until it has something to say.
    let silent = async { client.server_streaming(BASKET, "Hang", opened()).await.unwrap_err() };
    let (begun, silent) = timeout(PATIENCE, async { tokio::join!(begun, silent) }).await.unwrap();
    let seen = |status: &Status| {
        let reason = status.get_error_details().error_info().unwrap().reason.clone();
        (status.code(), status.message().to_owned(), reason)
    };
    let expected = (Code::Unauthenticated, "the token has expired".to_owned(), "invalid_token".to_owned());
    assert_eq!([seen(&begun), seen(&silent)], [expected.clone(), expected]);
    let text = gateway.metrics().await;
    let line =
        format!("gateway_calls_total{{service=\"basket\",method=\"{BASKET}/*\",code=\"invalid_token\"}} 2");
    assert!(text.contains(&line), "{line} is missing in\n{text}");
}
