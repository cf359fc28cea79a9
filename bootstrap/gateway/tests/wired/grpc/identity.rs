//! Who calls.

use platform_identity::testing::TestIssuer;
use tonic::Code;

use super::{
    BASKET, PRODUCT, before,
    client::{Client, message, with},
    shop::Shop,
};

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
