//! Input nobody should send: the contract's error, nothing stored, no panic.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{SERVICES, Shop};

async fn raw(shop: &Shop, path: &str, content_type: &str, body: Vec<u8>) -> (u16, Value, String) {
    let url = format!("{}/api{path}", shop.gateway());
    let request = shop.client.post(url).header("content-type", content_type).body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
    let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null);
    (status, body, kind)
}

const POSTS: [&str; 4] = ["/products", "/baskets", "/baskets/ada/items", "/payments"];

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_none() {
    let shop = Shop::open().await;
    for path in POSTS {
        let bodies: [(&str, Vec<u8>, u16); 7] = [
            ("application/json", b"{".to_vec(), 400),
            ("application/json", b"\xff\xfe\x00".to_vec(), 400),
            ("application/json", vec![], 400),
            ("application/json", b"[]".to_vec(), 422),
            ("application/json", br#"{"unknown": 1}"#.to_vec(), 422),
            ("text/plain", b"{}".to_vec(), 415),
            ("application/json", format!("{{\"name\": \"{}\"}}", "x".repeat(600_000)).into_bytes(), 413),
        ];
        for (content_type, body, expected) in bodies {
            let shown = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
            let (status, problem, kind) = raw(&shop, path, content_type, body).await;
            assert_eq!(status, expected, "{path} {shown}: {problem}");
            assert!(kind.starts_with("application/problem+json"), "{path} {shown}: {kind}");
            for field in ["type", "title", "status", "detail", "code", "request_id"] {
                assert!(!problem[field].is_null(), "{path} {shown}: no {field} in {problem}");
            }
        }
    }
    assert_nothing_stored(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_out_of_range() {
    let shop = Shop::open().await;
    let good = json!({"name": "Kettle", "price": "1.00", "stock_quantity": 1, "category": "kitchen"});
    let wrong = [
        ("name", json!("")),
        ("name", json!("x".repeat(201))),
        ("name", json!("a\u{0}b")),
        ("name", json!(7)),
        ("price", json!("-1.00")),
        ("price", json!("1.005")),
        ("price", json!(1.005)),
        ("price", json!("1e400")),
        ("price", json!("999999999999999999999")),
        ("price", json!(null)),
        ("stock_quantity", json!(-1)),
        ("stock_quantity", json!(1.5)),
        ("stock_quantity", json!("1")),
        ("stock_quantity", json!(9_223_372_036_854_775_807_u64)),
        ("stock_quantity", json!(18_446_744_073_709_551_615_u64)),
        ("category", json!([])),
        ("image_url", json!("javascript:alert(1)")),
    ];
    for (field, value) in wrong {
        let mut body = good.clone();
        body[field] = value.clone();
        let reply = shop.post("/products", body).await;
        assert_eq!(reply.status, 422, "{field} = {value}: {reply:?}");
        let errors = reply.body["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| error["field"] == field), "{field} = {value}: {reply:?}");
    }
    assert_nothing_stored(&shop).await;
    let product = shop.product("1.00", 5).await;
    for quantity in
        [json!(0), json!(-1), json!(1_000_001), json!(u64::MAX), json!("1"), json!(0.5), json!(null)]
    {
        let reply =
            shop.post("/baskets/ada/items", json!({"product_id": product, "quantity": quantity})).await;
        assert_eq!(reply.status, 422, "{quantity}: {reply:?}");
    }
    let reply = shop.post("/baskets/ada/items", json!({"product_id": product, "quantity": 6})).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (409, "insufficient_stock"));
    let reply = shop.post("/baskets/ada/items", json!({"product_id": 999_999, "quantity": 1})).await;
    assert_eq!(reply.status, 404);
    assert_eq!(shop.get("/baskets/ada").await.status, 404, "no basket was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_none() {
    let shop = Shop::open().await;
    let uuid = "01890a5d-ac96-774b-bcce-b302099a8057";
    for path in [
        "/products/424242",
        "/baskets/nobody",
        &format!("/payments/{uuid}"),
        &format!("/notifications/{uuid}"),
    ] {
        assert_eq!(shop.get(path).await.status, 404, "{path}");
    }
    for path in ["/nothing", "/products/1/2/3", "/productsx"] {
        let reply = shop.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(!reply.code().is_empty(), "{path}: {reply:?}");
    }
    for path in [
        "/products?limit=0",
        "/products?limit=101",
        "/products?limit=x",
        "/products?cursor=%00",
        "/payments?status=odd",
    ] {
        assert_eq!(shop.get(path).await.status, 422, "{path}");
    }
    for (path, allowed) in [("/products", "GET"), ("/payments", "POST"), ("/baskets/ada/items", "POST")] {
        let reply = shop.call(Method::PATCH, path, Some(json!({}))).await;
        assert_eq!(reply.status, 405, "{path}: {reply:?}");
        let allow = reply.headers["allow"].to_str().unwrap();
        assert!(allow.contains(allowed), "{path}: {allow}");
    }
}

async fn assert_nothing_stored(shop: &Shop) {
    for path in ["/products", "/payments"] {
        assert_eq!(shop.get(path).await.expect(200)["items"], json!([]), "{path}");
    }
    assert_eq!(shop.get("/baskets/ada").await.status, 404);
    for service in SERVICES {
        assert!(!shop.log(service).contains("panicked"), "{service}:\n{}", shop.log(service));
    }
}
