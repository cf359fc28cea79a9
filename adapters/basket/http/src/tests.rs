use actix_web::{
    App, HttpMessage,
    http::{Method, header},
    test,
};
use basket_application::{
    BasketUseCases,
    testing::{Bench, CatalogState},
};
use kernel_application::{
    CallContext, Caller,
    testing::{context, context_of},
};
use serde_json::{Value, json};
use utoipa_actix_web::AppExt;

use crate::routes;

/// Sends one request and answers status, `Location` and body.
async fn send(
    bench: &Bench,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Option<String>, Value) {
    serve(bench.use_cases.clone(), context(), method, path, body).await
}

/// Answers a request that the edge has found to be the call `ctx`.
async fn serve(
    use_cases: BasketUseCases,
    ctx: CallContext,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Option<String>, Value) {
    let (app, _) = App::new().into_utoipa_app().configure(|cfg| routes(cfg, use_cases)).split_for_parts();
    let app = test::init_service(app).await;
    let request = test::TestRequest::default().method(method).uri(path);
    let request = match body {
        Some(body) => request.set_json(body),
        None => request,
    };
    let request = request.to_request();
    request.extensions_mut().insert(ctx);
    let response = test::call_service(&app, request).await;
    let status = response.status().as_u16();
    let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
    let body = test::read_body(response).await;
    (status, location, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(bench: &Bench, path: &str) -> (u16, Value) {
    let (status, _, body) = send(bench, Method::GET, path, None).await;
    (status, body)
}

async fn post(bench: &Bench, path: &str, body: Value) -> (u16, Value) {
    let (status, _, body) = send(bench, Method::POST, path, Some(body)).await;
    (status, body)
}

async fn put(bench: &Bench, path: &str, body: Value) -> (u16, Value) {
    let (status, _, body) = send(bench, Method::PUT, path, Some(body)).await;
    (status, body)
}

async fn delete(bench: &Bench, path: &str) -> (u16, Value) {
    let (status, _, body) = send(bench, Method::DELETE, path, None).await;
    (status, body)
}

fn code((status, body): (u16, Value)) -> (u16, String) {
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

fn fields((status, body): (u16, Value)) -> (u16, Vec<String>) {
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    (status, errors.iter().map(|error| error["field"].as_str().unwrap_or_default().to_owned()).collect())
}

#[actix_web::test]
async fn a_basket_is_made_once() {
    let bench = Bench::default();
    let (status, location, made) =
        send(&bench, Method::POST, "/baskets", Some(json!({"user_id": "ada"}))).await;
    assert_eq!((status, location.as_deref()), (201, Some("/baskets/ada")));
    assert_eq!(
        (&made["total"], &made["item_count"], &made["version"]),
        (&json!("0.00"), &json!(0), &json!(1))
    );
    assert_eq!(made["expires_at"], json!("2026-01-02T00:00:00Z"));
    assert_eq!(post(&bench, "/baskets", json!({"user_id": "ada"})).await, (200, made.clone()));
    assert_eq!(get(&bench, "/baskets/ada").await, (200, made));
    assert_eq!(delete(&bench, "/baskets/ada").await.0, 204);
    assert_eq!(code(delete(&bench, "/baskets/ada").await), (404, "basket_not_found".to_owned()));
    assert_eq!(code(get(&bench, "/baskets/ada").await), (404, "basket_not_found".to_owned()));
}

#[actix_web::test]
async fn items_come_and_go() {
    let bench = Bench::with_product(7, "19.99", 5);
    let (status, basket) = post(&bench, "/baskets/ada/items", json!({"product_id": 7, "quantity": 2})).await;
    assert_eq!(status, 200);
    let line = json!({"product_id": 7, "name": "Product 7", "price": "19.99", "quantity": 2,
        "subtotal": "39.98", "category": "things"});
    assert_eq!((&basket["items"], &basket["total"]), (&json!([line]), &json!("39.98")));
    let (_, basket) = put(&bench, "/baskets/ada/items/7", json!({"quantity": 5})).await;
    assert_eq!((&basket["item_count"], &basket["version"]), (&json!(5), &json!(2)));
    assert_eq!(put(&bench, "/baskets/ada/items/7", json!({"quantity": 0})).await.1["items"], json!([]));
    post(&bench, "/baskets/ada/items", json!({"product_id": 7, "quantity": 1})).await;
    assert_eq!(delete(&bench, "/baskets/ada/items/7").await.1["items"], json!([]));
    post(&bench, "/baskets/ada/items", json!({"product_id": 7, "quantity": 1})).await;
    assert_eq!(delete(&bench, "/baskets/ada/items").await.1["items"], json!([]));
}

#[actix_web::test]
async fn failures_have_their_status_and_code() {
    let bench = Bench::with_product(7, "19.99", 5);
    let add = |id: i64, quantity: i64| json!({"product_id": id, "quantity": quantity});
    let expect = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(code(post(&bench, "/baskets/ada/items", add(8, 1)).await), expect(404, "product_not_found"));
    assert_eq!(code(post(&bench, "/baskets/ada/items", add(7, 6)).await), expect(409, "insufficient_stock"));
    assert_eq!(code(delete(&bench, "/baskets/ada/items").await), expect(404, "basket_not_found"));
    assert_eq!(post(&bench, "/baskets/ada/items", add(7, 3)).await.0, 200);
    assert_eq!(code(post(&bench, "/baskets/ada/items", add(7, 3)).await), expect(409, "insufficient_stock"));
    assert_eq!(
        code(put(&bench, "/baskets/ada/items/8", json!({"quantity": 1})).await),
        expect(404, "item_not_found")
    );
    assert_eq!(code(delete(&bench, "/baskets/ada/items/8").await), expect(404, "item_not_found"));
    bench.catalog.set(CatalogState::Away);
    let away = post(&bench, "/baskets/ada/items", add(7, 1)).await;
    assert_eq!(code(away), expect(503, "product_service_unavailable"));
    bench.baskets.fail(true);
    assert_eq!(code(get(&bench, "/baskets/ada").await), expect(503, "store_unavailable"));
}

#[actix_web::test]
async fn wrong_fields_are_named() {
    let bench = Bench::with_product(7, "19.99", 5);
    let named = |fields: &[&str]| (422, fields.iter().map(ToString::to_string).collect::<Vec<_>>());
    let items = "/baskets/ada/items";
    for (body, field) in [
        (json!({"product_id": 7}), "quantity"),
        (json!({"product_id": "7", "quantity": 1}), "product_id"),
        (json!({"product_id": 7, "quantity": 1.5}), "quantity"),
        (json!({"product_id": 7, "quantity": 1, "price": "0.01"}), "price"),
        (json!({"product_id": 7, "quantity": 0}), "quantity"),
        (json!({"product_id": -7, "quantity": 1}), "product_id"),
        (json!({"product_id": 7, "quantity": 18_446_744_073_709_551_615_u64}), "quantity"),
    ] {
        assert_eq!(fields(post(&bench, items, body.clone()).await), named(&[field]), "{body}");
    }
    assert_eq!(fields(post(&bench, "/baskets", json!({"user_id": "a b"})).await), named(&["user_id"]));
    assert_eq!(fields(get(&bench, "/baskets/a%20b").await), named(&["user_id"]));
    assert_eq!(fields(delete(&bench, "/baskets/ada/items/x").await), named(&["product_id"]));
    let both = put(&bench, "/baskets/ada/items/0", json!({"quantity": -1})).await;
    assert_eq!(fields(both), named(&["product_id", "quantity"]));
    assert_eq!(code(get(&bench, "/baskets/ada").await).0, 404, "nothing was stored");
}

#[actix_web::test]
async fn the_product_in_the_path_is_the_one_that_counts() {
    let bench = Bench::with_product(7, "19.99", 5);
    bench.catalog.put(8, "1.00", 5);
    post(&bench, "/baskets/ada/items", json!({"product_id": 7, "quantity": 1})).await;
    post(&bench, "/baskets/ada/items", json!({"product_id": 8, "quantity": 1})).await;
    let refused = put(&bench, "/baskets/ada/items/7", json!({"product_id": 8, "quantity": 3})).await;
    assert_eq!(fields(refused), (422, vec!["product_id".to_owned()]));
    let (_, basket) = put(&bench, "/baskets/ada/items/7", json!({"quantity": 3})).await;
    assert_eq!(basket["items"][0]["quantity"], json!(3));
    assert_eq!(basket["items"][1]["quantity"], json!(1));
}

#[actix_web::test]
async fn a_basket_is_its_owner_s() {
    let bench = Bench::with_product(7, "19.99", 5);
    let (_, before) = post(&bench, "/baskets/ada/items", json!({"product_id": 7, "quantity": 2})).await;
    let requests = || {
        [
            (Method::GET, "/baskets/ada", None),
            (Method::POST, "/baskets", Some(json!({"user_id": "ada"}))),
            (Method::DELETE, "/baskets/ada", None),
            (Method::POST, "/baskets/ada/items", Some(json!({"product_id": 7, "quantity": 1}))),
            (Method::PUT, "/baskets/ada/items/7", Some(json!({"quantity": 1}))),
            (Method::DELETE, "/baskets/ada/items/7", None),
            (Method::DELETE, "/baskets/ada/items", None),
        ]
    };
    let nobody = context().by(Caller::Anonymous);
    for (ctx, refusal) in [(nobody, (401, "unauthenticated")), (context_of("bob"), (403, "forbidden"))] {
        for (method, path, body) in requests() {
            let (status, _, body) = serve(bench.guarded(), ctx.clone(), method.clone(), path, body).await;
            assert_eq!((status, body["code"].as_str().unwrap()), refusal, "{method} {path}");
        }
    }
    assert_eq!(get(&bench, "/baskets/ada").await, (200, before), "nothing has changed");
    for (method, path, body) in requests() {
        let (status, ..) = serve(bench.guarded(), context_of("ada"), method.clone(), path, body).await;
        assert!([200, 204, 404].contains(&status), "{method} {path}: {status}");
    }
}

#[actix_web::test]
async fn the_document_has_every_route_and_all_schemas_it_refers_to() {
    let use_cases = Bench::default().use_cases;
    let (_, api) = App::new().into_utoipa_app().configure(|cfg| routes(cfg, use_cases)).split_for_parts();
    let api = serde_json::to_value(&api).unwrap();
    let paths: Vec<_> = api["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        paths,
        [
            "/baskets",
            "/baskets/{user_id}",
            "/baskets/{user_id}/items",
            "/baskets/{user_id}/items/{product_id}",
        ]
    );
    let text = api.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(api["components"]["schemas"][name].is_object(), "{name}");
    }
}
