//! The suites that every store of this context passes.

use product_application::testing::contract;

use super::support::fresh;

#[tokio::test(flavor = "multi_thread")]
async fn keeps_products() {
    contract::products(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_stock() {
    contract::stock(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settles_deliveries() {
    contract::deliveries(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_sales() {
    contract::sales(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_queries() {
    contract::queries(fresh).await;
}
