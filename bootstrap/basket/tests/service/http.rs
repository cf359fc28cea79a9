//! Over HTTP.

use platform_testkit::data_dir;
use serde_json::json;

use crate::support::{Products, Service};

#[tokio::test(flavor = "multi_thread")]
async fn a_basket_is_filled_changed_and_emptied() {
    let (folder, products) = (data_dir().unwrap(), Products::open(5).await);
    let service = Service::ready(folder.path(), products.address()).await;

    let (status, made) = service.post("/baskets", json!({"user_id": "ada"})).await;
    assert_eq!((status, &made["version"]), (201, &json!(1)));
    let (status, basket) = service.post("/baskets/ada/items", json!({"product_id": 1, "quantity": 2})).await;
    assert_eq!((status, &basket["total"], &basket["version"]), (200, &json!("39.98"), &json!(2)));
    let (status, refused) = service.post("/baskets/ada/items", json!({"product_id": 1, "quantity": 4})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("insufficient_stock")));
    assert_eq!(refused["instance"], json!("/baskets/ada/items"));
    let (status, basket) = service.put("/baskets/ada/items/1", json!({"quantity": 5})).await;
    assert_eq!((status, &basket["item_count"]), (200, &json!(5)));
    products.set_available(4);
    assert_eq!(service.put("/baskets/ada/items/1", json!({"quantity": 5})).await.0, 409);
    let (status, basket) = service.delete("/baskets/ada/items/1").await;
    assert_eq!((status, &basket["items"]), (200, &json!([])));
    assert_eq!(service.get("/baskets/ada").await, (200, basket));
    assert_eq!(service.delete("/baskets/ada").await.0, 204);
    assert_eq!(service.get("/baskets/ada").await.0, 404);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_baskets() {
    let (folder, products) = (data_dir().unwrap(), Products::open(5).await);
    let service = Service::ready(folder.path(), products.address()).await;
    let (_, basket) = service.post("/baskets/ada/items", json!({"product_id": 1, "quantity": 2})).await;
    service.stop().await;
    let service = Service::ready(folder.path(), products.address()).await;
    assert_eq!(service.get("/baskets/ada").await, (200, basket));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_at_once_lose_nothing() {
    let (folder, products) = (data_dir().unwrap(), Products::open(1_000).await);
    let service = Service::ready(folder.path(), products.address()).await;
    let add = || service.post("/baskets/ada/items", json!({"product_id": 1, "quantity": 1}));
    let answers = tokio::join!(add(), add(), add(), add(), add(), add(), add(), add());
    let answers: [_; 8] = answers.into();
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let (_, basket) = service.get("/baskets/ada").await;
    assert_eq!((&basket["item_count"], &basket["version"]), (&json!(8), &json!(8)));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_and_wrong_requests_are_answered() {
    let (folder, products) = (data_dir().unwrap(), Products::open(5).await);
    let service = Service::ready(folder.path(), products.address()).await;
    service.get("/baskets/ada").await;
    let (status, metrics) = service.get("/metrics").await;
    let route = "http_server_requests_total{method=\"GET\",route=\"/baskets/{user_id}\",status=\"404\"} 1";
    assert_eq!(status, 200);
    assert!(metrics.as_str().unwrap().contains(route), "{metrics}");
    let (status, document) = service.get("/openapi.json").await;
    assert_eq!((status, &document["info"]["title"]), (200, &json!("basket-service")));
    assert_eq!(service.get("/nothing").await.1["code"], json!("no_such_route"));
    assert_eq!(service.put("/baskets/ada", json!({})).await.0, 405);
    assert_eq!(service.post("/baskets/ada/items", json!({"product_id": 1})).await.0, 422);
    service.stop().await;
}
