//! Over gRPC: the same handlers, the same baskets.

use platform_grpc::Fault;
use platform_testkit::data_dir;
use proto::basket::v1::{
    AddItemRequest, CreateBasketRequest, GetBasketRequest, RemoveItemRequest, UpdateItemRequest,
    basket_service_client::BasketServiceClient,
};
use serde_json::json;
use tonic::{Code, Status};

use crate::support::{Products, Service};

fn code(status: &Status) -> (Code, String) {
    (status.code(), Fault::from(status).code)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_see_one_basket() {
    let (folder, products) = (data_dir().unwrap(), Products::open(5).await);
    let service = Service::ready(folder.path(), products.address()).await;
    let mut client = BasketServiceClient::connect(service.grpc()).await.unwrap();
    let user_id = "ada".to_owned();

    let made =
        client.create_basket(CreateBasketRequest { user_id: user_id.clone() }).await.unwrap().into_inner();
    assert!(made.created);
    let add = |quantity| AddItemRequest { user_id: "ada".to_owned(), product_id: 1, quantity };
    let basket = client.add_item(add(2)).await.unwrap().into_inner().basket.unwrap();
    let total = basket.total.unwrap();
    assert_eq!((total.units, total.nanos, basket.version), (39, 980_000_000, 2));
    let (_, seen) = service.get("/baskets/ada").await;
    assert_eq!((&seen["id"], &seen["total"]), (&json!(basket.id), &json!("39.98")));

    let refused = client.add_item(add(4)).await.unwrap_err();
    assert_eq!(code(&refused), (Code::FailedPrecondition, "insufficient_stock".to_owned()));
    let update = UpdateItemRequest { user_id: user_id.clone(), product_id: 1, quantity: 5 };
    let basket = client.update_item(update).await.unwrap().into_inner().basket.unwrap();
    assert_eq!(basket.item_count, 5);
    let remove = RemoveItemRequest { user_id: user_id.clone(), product_id: 2 };
    let absent = client.remove_item(remove).await.unwrap_err();
    assert_eq!(code(&absent), (Code::NotFound, "item_not_found".to_owned()));
    let got = client.get_basket(GetBasketRequest { user_id }).await.unwrap().into_inner().basket.unwrap();
    assert_eq!(got, basket);
    drop(client);
    service.stop().await;
}
