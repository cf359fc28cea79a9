//! The routes over the fake store.

use actix_web::{
    App, HttpMessage,
    http::{Method, header::HeaderMap},
    test::{TestRequest, call_service, init_service, read_body},
};
use kernel_application::{
    CallContext, Caller,
    testing::{context, context_of},
};
use kernel_domain::Currency;
use product_application::{ProductUseCases, testing::Fixture};
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;

use crate::{ProductRoutes, routes};

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    fn fields(&self) -> (u16, Vec<&str>) {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        (self.status, errors.iter().map(|error| error["field"].as_str().unwrap()).collect())
    }

    fn ids(&self) -> Vec<i64> {
        self.body["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    }
}

async fn send(fixture: &Fixture, request: TestRequest) -> Answer {
    serve(fixture.use_cases.clone(), context(), request).await
}

/// Sends it to the guarded use cases.
async fn send_as(fixture: &Fixture, ctx: CallContext, request: TestRequest) -> Answer {
    serve(fixture.guarded(), ctx, request).await
}

/// Answers a request that the edge has found to be the call `ctx`.
async fn serve(use_cases: ProductUseCases, ctx: CallContext, request: TestRequest) -> Answer {
    let state = ProductRoutes { use_cases, currency: Currency::USD };
    let (app, _) = App::new().into_utoipa_app().configure(|cfg| routes(cfg, state)).split_for_parts();
    let request = request.to_request();
    request.extensions_mut().insert(ctx);
    let response = call_service(&init_service(app).await, request).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_slice(&read_body(response).await).unwrap_or(Value::Null);
    Answer { status, headers, body }
}

async fn get(fixture: &Fixture, path: &str) -> Answer {
    send(fixture, TestRequest::get().uri(path)).await
}

async fn post(fixture: &Fixture, body: &Value) -> Answer {
    send(fixture, TestRequest::post().uri("/products").set_json(body)).await
}

fn put(body: &Value) -> TestRequest {
    TestRequest::put().uri("/products/1").set_json(body)
}

async fn delete(fixture: &Fixture, path: &str) -> Answer {
    send(fixture, TestRequest::delete().uri(path)).await
}

fn lamp() -> Value {
    json!({
        "name": "Lamp", "description": "Warm", "price": "129.90", "stock_quantity": 5, "category": "home",
        "image_url": "https://example.org/a.png"
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut body = lamp();
    body[field] = value;
    body
}

#[actix_web::test]
async fn a_new_product_has_a_place_and_a_version() {
    let fixture = Fixture::default();
    let made = post(&fixture, &lamp()).await;
    assert_eq!(
        (made.status, made.header("location"), made.header("etag")),
        (201, Some("/products/1"), Some("\"1\""))
    );
    let expected = json!({
        "id": 1, "name": "Lamp", "description": "Warm", "price": "129.90", "stock_quantity": 5,
        "available_quantity": 5, "category": "home", "image_url": "https://example.org/a.png",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "version": 1
    });
    assert_eq!(made.body, expected);
    let shown = get(&fixture, "/products/1").await;
    assert_eq!((shown.status, shown.header("etag"), &shown.body), (200, Some("\"1\""), &expected));
}

#[actix_web::test]
async fn what_the_client_has_is_not_sent_again() {
    let fixture = Fixture::with_stock(5).await;
    for (tag, status) in
        [("\"1\"", 304), ("W/\"1\"", 304), ("\"9\", \"1\"", 304), ("\"2\"", 200), ("nonsense", 200)]
    {
        let request = TestRequest::get().uri("/products/1").insert_header(("if-none-match", tag));
        assert_eq!(send(&fixture, request).await.status, status, "{tag}");
    }
}

#[actix_web::test]
async fn optional_fields_may_be_missing_and_prices_be_numbers() {
    let fixture = Fixture::default();
    let body = json!({"name": "Lamp", "price": 129.9, "stock_quantity": 0, "category": "home"});
    let made = post(&fixture, &body).await;
    assert_eq!(
        (made.status, &made.body["price"], &made.body["image_url"]),
        (201, &json!("129.90"), &Value::Null)
    );
}

#[actix_web::test]
async fn wrong_fields_are_named_and_nothing_is_kept() {
    let fixture = Fixture::default();
    let wrong = [
        ("name", json!("")),
        ("name", json!("  ")),
        ("name", json!("a\u{0}b")),
        ("name", json!("x".repeat(201))),
        ("name", json!(7)),
        ("description", json!("x".repeat(5001))),
        ("price", json!("0")),
        ("price", json!(-1)),
        ("price", json!("1.005")),
        ("price", json!("100000000")),
        ("price", json!(true)),
        ("price", Value::Null),
        ("stock_quantity", json!(-1)),
        ("stock_quantity", json!(1_000_000_001)),
        ("stock_quantity", json!(1.5)),
        ("stock_quantity", json!("5")),
        ("category", json!(" ")),
        ("image_url", json!("javascript:alert(1)")),
        ("id", json!(7)),
        ("available_quantity", json!(7)),
    ];
    for (field, value) in wrong {
        let answer = post(&fixture, &with(field, value.clone())).await;
        assert_eq!(answer.fields(), (422, vec![field]), "{field}: {value}");
    }
    let both = post(&fixture, &json!({"name": "", "price": 0, "stock_quantity": 0, "category": ""})).await;
    assert_eq!(both.fields(), (422, vec!["name", "price", "category"]));
    assert_eq!(get(&fixture, "/products").await.ids(), [0_i64; 0]);
}

static TOO_LARGE: [u8; 300_000] = [b' '; 300_000];

#[actix_web::test]
async fn bodies_must_be_json() {
    let fixture = Fixture::default();
    let send = async |media: &str, body: &'static [u8]| {
        let request =
            TestRequest::post().uri("/products").insert_header(("content-type", media)).set_payload(body);
        send(&fixture, request).await.status
    };
    assert_eq!(send("application/json", b"{").await, 400);
    assert_eq!(send("application/json", b"{\"name\": \"\xff\"}").await, 400);
    assert_eq!(send("application/json", b"[]").await, 422);
    assert_eq!(send("text/plain", b"{}").await, 415);
    assert_eq!(send("application/json", &TOO_LARGE).await, 413);
}

#[actix_web::test]
async fn an_update_replaces_everything() {
    let fixture = Fixture::default();
    post(&fixture, &lamp()).await;
    let body = json!({"name": "Desk lamp", "price": "99.00", "stock_quantity": 7, "category": "office"});
    let changed = send(&fixture, put(&body)).await;
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")));
    assert_eq!((&changed.body["description"], &changed.body["image_url"]), (&json!(""), &Value::Null));
    assert_eq!(get(&fixture, "/products/1").await.body, changed.body);
}

#[actix_web::test]
async fn an_update_of_an_older_version_is_refused() {
    let fixture = Fixture::with_stock(5).await;
    let matching = |tag: &str| put(&lamp()).insert_header(("if-match", tag.to_owned()));
    assert_eq!(send(&fixture, matching("\"1\"")).await.status, 200);
    assert_eq!(send(&fixture, matching("\"1\"")).await.code(), (412, "stale_version"));
    assert_eq!(send(&fixture, matching("\"no version\"")).await.status, 412);
    assert_eq!(send(&fixture, matching("no tag")).await.status, 422);
    assert_eq!(send(&fixture, matching("*")).await.status, 200);
    assert_eq!(get(&fixture, "/products/1").await.body["version"], json!(3));
}

#[actix_web::test]
async fn reserved_units_are_safe() {
    let fixture = Fixture::with_stock(5).await;
    fixture.reserve(1, &[(1, 3)]).await.unwrap();
    let refused = send(&fixture, put(&with("stock_quantity", json!(2)))).await;
    assert_eq!(refused.code(), (409, "stock_below_reserved"));
    assert_eq!(delete(&fixture, "/products/1").await.code(), (409, "product_reserved"));
    assert_eq!(get(&fixture, "/products/1").await.body["available_quantity"], json!(2));
    fixture.release(1).await.unwrap();
    assert_eq!(delete(&fixture, "/products/1").await.status, 204);
    assert_eq!(delete(&fixture, "/products/1").await.code(), (404, "product_not_found"));
}

#[actix_web::test]
async fn ids_nobody_has_are_not_found_and_others_are_wrong() {
    let fixture = Fixture::default();
    for id in ["1", "0", "-1", "9223372036854775807"] {
        assert_eq!(
            get(&fixture, &format!("/products/{id}")).await.code(),
            (404, "product_not_found"),
            "{id}"
        );
    }
    for id in ["x", "1.5", "9223372036854775808", "%00"] {
        assert_eq!(get(&fixture, &format!("/products/{id}")).await.fields(), (422, vec!["id"]), "{id}");
    }
}

#[actix_web::test]
async fn lists_are_filtered_sorted_and_paged() {
    let fixture = Fixture::default();
    for (name, price, category) in
        [("Lamp", "3.00", "home"), ("Chair", "1.00", "home"), ("Spade", "2.00", "garden")]
    {
        let body = json!({"name": name, "price": price, "stock_quantity": 5, "category": category});
        post(&fixture, &body).await;
    }
    for (query, ids) in [
        ("", vec![1, 2, 3]),
        ("?category=garden", vec![3]),
        ("?q=LAM", vec![1]),
        ("?min_price=2&max_price=2.50", vec![3]),
        ("?max_stock=4", vec![]),
        ("?sort=-price", vec![1, 3, 2]),
        ("?min_price=3&max_price=1", vec![]),
    ] {
        assert_eq!(get(&fixture, &format!("/products{query}")).await.ids(), ids, "{query}");
    }
    let first = get(&fixture, "/products?sort=price&limit=2").await;
    assert_eq!(first.ids(), [2, 3]);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let last = get(&fixture, &format!("/products?sort=price&limit=2&cursor={cursor}")).await;
    assert_eq!((last.ids(), &last.body["next_cursor"]), (vec![1], &Value::Null));
}

#[actix_web::test]
async fn wrong_parameters_are_named() {
    let fixture = Fixture::default();
    for (query, fields) in [
        ("limit=0", vec!["limit"]),
        ("limit=101", vec!["limit"]),
        ("limit=ten", vec!["limit"]),
        ("sort=colour", vec!["sort"]),
        ("cursor=zz", vec!["cursor"]),
        ("max_stock=-1", vec!["max_stock"]),
        ("min_price=x&max_price=1.005", vec!["min_price", "max_price"]),
        ("min_price=-1", vec!["min_price"]),
        ("limit=0&sort=x&category=%01", vec!["sort", "limit", "category"]),
    ] {
        assert_eq!(get(&fixture, &format!("/products?{query}")).await.fields(), (422, fields), "{query}");
    }
}

#[actix_web::test]
async fn read_models_have_paths_of_their_own() {
    let fixture = Fixture::with_stock(5).await;
    fixture.reserve(1, &[(1, 2)]).await.unwrap();
    let categories = get(&fixture, "/products/categories").await;
    assert_eq!(categories.body, json!({"items": [{"name": "home", "product_count": 1}]}));
    let stats = get(&fixture, "/products/stats").await;
    let expected = json!({
        "product_count": 1, "stock_quantity": 5, "reserved_quantity": 2, "stock_value": "649.50",
        "low_stock_count": 1, "out_of_stock_count": 0, "units_sold": 0, "revenue": "0.00", "currency": "USD"
    });
    assert_eq!((stats.status, stats.body), (200, expected));
}

#[actix_web::test]
async fn changes_and_figures_are_for_administrators() {
    let fixture = Fixture::with_stock(5).await;
    let before = get(&fixture, "/products").await.body;
    let nobody = || context().by(Caller::Anonymous);
    let requests = || {
        let other = with("name", json!("Desk lamp"));
        [
            TestRequest::post().uri("/products").set_json(&other),
            put(&other),
            TestRequest::delete().uri("/products/1"),
            TestRequest::get().uri("/products/stats"),
        ]
    };
    for request in requests() {
        assert_eq!(send_as(&fixture, nobody(), request).await.code(), (401, "unauthenticated"));
    }
    for request in requests() {
        assert_eq!(send_as(&fixture, context_of("ada"), request).await.code(), (403, "forbidden"));
    }
    for path in ["/products", "/products/1", "/products/categories"] {
        let shown = send_as(&fixture, nobody(), TestRequest::get().uri(path)).await;
        assert_eq!(shown.status, 200, "{path}");
    }
    assert_eq!(get(&fixture, "/products").await.body, before);
}

#[actix_web::test]
async fn every_route_is_documented_with_its_failures() {
    let api = document();
    let operations = [
        ("/products", Method::GET, vec![200, 422, 500, 503, 504]),
        ("/products", Method::POST, vec![201, 400, 408, 413, 415, 422, 500, 503, 504]),
        ("/products/categories", Method::GET, vec![200, 500, 503, 504]),
        ("/products/stats", Method::GET, vec![200, 500, 503, 504]),
        ("/products/{id}", Method::GET, vec![200, 304, 404, 422, 500, 503, 504]),
        ("/products/{id}", Method::PUT, vec![200, 400, 404, 408, 409, 412, 413, 415, 422, 500, 503, 504]),
        ("/products/{id}", Method::DELETE, vec![204, 404, 409, 422, 500, 503, 504]),
    ];
    let json = serde_json::to_value(api).unwrap();
    for (path, method, statuses) in operations {
        let responses = &json["paths"][path][method.as_str().to_lowercase()]["responses"];
        let documented: Vec<u16> =
            responses.as_object().unwrap().keys().map(|key| key.parse().unwrap()).collect();
        assert_eq!(documented, statuses, "{method} {path}");
        for (status, response) in responses.as_object().unwrap() {
            let problem = !response["content"]["application/problem+json"].is_null();
            assert_eq!(problem, status.as_str() >= "400", "{method} {path} {status}");
        }
    }
    assert!(!json["components"]["schemas"]["Problem"].is_null());
}

fn document() -> OpenApi {
    let state = ProductRoutes { use_cases: Fixture::default().use_cases, currency: Currency::USD };
    App::new().into_utoipa_app().configure(|cfg| routes(cfg, state)).split_for_parts().1
}
