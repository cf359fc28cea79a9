//! Over HTTP.

use platform_testkit::data_dir;
use serde_json::json;

use crate::support::{Service, lamp};

#[tokio::test(flavor = "multi_thread")]
async fn a_product_lives_and_dies() {
    let folder = data_dir().unwrap();
    let service = Service::ready(folder.path()).await;

    let made = service.post(lamp(5)).await;
    assert_eq!((made.status, made.header("location"), made.header("etag")), (201, "/products/1", "\"1\""));
    let shown = service.get("/products/1").await;
    assert_eq!((shown.status, shown.header("etag")), (200, "\"1\""));
    assert_eq!(shown.body, made.body, "what was acknowledged is what is kept");

    let matching = [("if-match", "\"1\"")];
    let changed = service.send("PUT", "/products/1", &matching, Some(lamp(7))).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    let stale = service.send("PUT", "/products/1", &matching, Some(lamp(9))).await;
    assert_eq!((stale.status, &stale.body["code"]), (412, &json!("stale_version")));
    let known = service.send("GET", "/products/1", &[("if-none-match", "\"2\"")], None).await;
    assert_eq!((known.status, known.header("etag")), (304, "\"2\""));

    assert_eq!(service.get("/products?q=lamp").await.body["items"], json!([changed.body]));
    assert_eq!(service.get("/products/stats").await.body["stock_value"], json!("909.30"));
    assert_eq!(service.delete("/products/1").await.status, 204);
    assert_eq!(service.get("/products/categories").await.body, json!({"items": []}));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_problems() {
    let folder = data_dir().unwrap();
    let service = Service::ready(folder.path()).await;
    let missing = service.send("GET", "/products/7", &[("x-request-id", "test-1")], None).await;
    assert_eq!(missing.header("content-type"), "application/problem+json");
    let expected = json!({
        "type": "about:blank", "title": "Not Found", "status": 404, "detail": "product 7 does not exist",
        "instance": "/products/7", "code": "product_not_found", "request_id": "test-1"
    });
    assert_eq!((missing.status, missing.header("x-request-id")), (404, "test-1"));
    assert_eq!(missing.body, expected);

    let wrong =
        service.post(json!({"name": "", "price": "1", "stock_quantity": -1, "category": "home"})).await;
    assert_eq!((wrong.status, wrong.body["errors"].as_array().unwrap().len()), (422, 2));
    let method = service.send("PATCH", "/products/1", &[], None).await;
    assert_eq!((method.status, &method.body["code"]), (405, &json!("method_not_allowed")));
    for allowed in ["GET", "PUT", "DELETE"] {
        assert!(method.header("allow").contains(allowed), "{}", method.header("allow"));
    }
    let read_model = service.send("PUT", "/products/stats", &[], Some(lamp(5))).await;
    assert_eq!((read_model.status, read_model.header("allow")), (405, "GET, HEAD, OPTIONS"));
    assert_eq!(service.get("/nothing").await.status, 404);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_products() {
    let folder = data_dir().unwrap();
    let service = Service::ready(folder.path()).await;
    let made = service.post(lamp(5)).await;
    service.stop().await;
    let service = Service::ready(folder.path()).await;
    assert_eq!(service.get("/products/1").await.body, made.body);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_there() {
    let folder = data_dir().unwrap();
    let service = Service::ready(folder.path()).await;
    service.get("/products/7").await;
    let metrics = service.get("/metrics").await;
    let metrics = metrics.body.as_str().unwrap();
    for line in [
        r#"http_server_requests_total{method="GET",route="/products/{id}",status="404"} 1"#,
        r#"use_cases_total{use_case="get_product",outcome="not_found"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
    let document = service.get("/openapi.json").await.body;
    assert_eq!(document["info"]["title"], json!("product-service"));
    let health = service.get("/health").await.body;
    let names: Vec<_> =
        health["dependencies"].as_array().unwrap().iter().map(|dependency| &dependency["name"]).collect();
    assert_eq!(names, ["product-store", "event-log"]);
    service.stop().await;
}
