//! The product service comes and goes.

use std::net::TcpListener;

use platform_identity::testing::TestIssuer;
use platform_testkit::{PATIENCE, data_dir, eventually};
use serde_json::{Value, json};

use crate::support::{ACCOUNT, Products, Service};

#[tokio::test(flavor = "multi_thread")]
async fn start_order_does_not_matter_and_a_peer_away_is_named() {
    let folder = data_dir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let service = Service::start(folder.path(), &address.to_string()).await;

    let (status, report) = service.get("/health/ready").await;
    assert_eq!((status, down(&report)), (503, vec!["product-service".to_owned()]));
    let (status, problem) = service.post("/baskets/ada/items", json!({"product_id": 1, "quantity": 1})).await;
    assert_eq!((status, &problem["code"]), (503, &json!("product_service_unavailable")));
    assert_eq!(service.get("/baskets/ada").await.0, 404, "nothing was stored");
    assert_eq!(service.post("/baskets", json!({"user_id": "ada"})).await.0, 201, "needs no peer");

    let products = Products::open_on(TcpListener::bind(address).unwrap(), 5).await;
    service.until_ready().await;
    let added = || async {
        let (status, _) = service.post("/baskets/ada/items", json!({"product_id": 1, "quantity": 1})).await;
        (status == 200).then_some(())
    };
    eventually(PATIENCE, added).await.unwrap();

    products.close();
    let away = || async { (service.get("/health/ready").await.0 == 503).then_some(()) };
    eventually(PATIENCE, away).await.unwrap();
    assert_eq!(service.get("/health/live").await.0, 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_service_that_does_not_know_this_one_is_away() {
    let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
    let products = Products::guarded(1_000, &issuer).await;
    let service = Service::guarded(folder.path(), products.address(), &issuer).await;
    let ada = issuer.bearer("ada", &[]);
    let line = json!({"product_id": 1, "quantity": 1});
    let add = async || service.ask("POST", "/baskets/ada/items", Some(&ada), Some(line.clone())).await;
    assert_eq!(add().await.status, 200, "the token of this service is shown, not that of its caller");
    let (_, report) = service.get("/health/ready").await;
    let names: Vec<_> = report["dependencies"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["basket-store", "event-log", "product-service", "service-token", "identity-keys"]);

    let file = folder.path().join(format!("{ACCOUNT}.token"));
    std::fs::write(&file, issuer.token(ACCOUNT, &[])).unwrap();
    let refused = async || {
        let answer = add().await;
        (answer.status == 503).then_some(answer.body["code"].clone())
    };
    assert_eq!(eventually(PATIENCE, refused).await.unwrap(), json!("product_service_unavailable"));

    std::fs::write(&file, issuer.token(ACCOUNT, &["service"])).unwrap();
    eventually(PATIENCE, async || (add().await.status == 200).then_some(())).await.unwrap();
    service.stop().await;
}

fn down(report: &Value) -> Vec<String> {
    let dependencies = report["dependencies"].as_array().unwrap().iter();
    let down = dependencies.filter(|dependency| dependency["status"] == json!("down"));
    down.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
}
