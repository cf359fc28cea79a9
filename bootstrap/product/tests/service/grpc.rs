//! Over gRPC: the same handlers, the same products.

use platform_grpc::Fault;
use platform_testkit::data_dir;
use proto::product::v1::{
    GetProductRequest, ReleaseStockRequest, ReserveStockRequest, StockLine, reserve_stock_response::Outcome,
};
use serde_json::json;
use tonic::Code;
use uuid::Uuid;

use crate::support::Service;

pub(crate) fn reserve(payment: u128, product_id: i64, quantity: i64) -> ReserveStockRequest {
    let lines = vec![StockLine { product_id, quantity }];
    ReserveStockRequest { payment_id: Uuid::from_u128(payment).to_string(), lines }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_see_one_stock() {
    let folder = data_dir().unwrap();
    let service = Service::ready(folder.path()).await;
    let lamp = service.lamp(5).await;
    let mut client = service.grpc().await;

    let product =
        client.get_product(GetProductRequest { id: lamp }).await.unwrap().into_inner().product.unwrap();
    let price = product.price.unwrap();
    assert_eq!((price.currency_code.as_str(), price.units, price.nanos), ("USD", 129, 900_000_000));
    for _ in 0..2 {
        let answer = client.reserve_stock(reserve(1, lamp, 3)).await.unwrap().into_inner();
        assert!(matches!(answer.outcome, Some(Outcome::Reserved(_))));
    }
    assert_eq!(service.stock(lamp).await, (5, 2));
    let held = service.delete("/products/1").await;
    assert_eq!((held.status, &held.body["code"]), (409, &json!("product_reserved")));
    let differs = client.reserve_stock(reserve(1, lamp, 2)).await.unwrap_err();
    assert_eq!(
        (differs.code(), Fault::from(&differs).code.as_str()),
        (Code::FailedPrecondition, "reservation_differs")
    );

    client.release_stock(ReleaseStockRequest { payment_id: Uuid::from_u128(1).to_string() }).await.unwrap();
    assert_eq!(service.stock(lamp).await, (5, 5));
    drop(client);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_buyers_of_ten_units() {
    let folder = data_dir().unwrap();
    let service = Service::ready(folder.path()).await;
    let lamp = service.lamp(10).await;
    let client = service.grpc().await;
    let mut buyers = tokio::task::JoinSet::new();
    for payment in 1..=200 {
        let mut client = client.clone();
        buyers.spawn(async move {
            let answer = client.reserve_stock(reserve(payment, lamp, 1)).await.unwrap().into_inner();
            matches!(answer.outcome, Some(Outcome::Reserved(_)))
        });
    }
    let answers = buyers.join_all().await;
    assert_eq!((answers.len(), answers.iter().filter(|reserved| **reserved).count()), (200, 10));
    assert_eq!(service.stock(lamp).await, (10, 0));
    drop(client);
    service.stop().await;
}
