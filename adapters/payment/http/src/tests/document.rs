//! The OpenAPI document.

use actix_web::App;
use payment_application::testing::World;
use serde_json::{Value, json};
use utoipa_actix_web::AppExt;

use super::client::state;
use crate::routes;

fn document() -> Value {
    let state = state(&World::default());
    let (_, api) = App::new().into_utoipa_app().configure(|cfg| routes(cfg, state)).split_for_parts();
    serde_json::to_value(&api).unwrap()
}

#[actix_web::test]
async fn it_has_every_route_and_all_schemas_it_refers_to() {
    let api = document();
    let paths: Vec<_> = api["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        paths,
        [
            "/payments",
            "/payments/stats",
            "/payments/{id}",
            "/payments/{id}/cancel",
            "/payments/{id}/process",
            "/payments/{id}/refund",
            "/provider-callbacks",
            "/users/{user_id}/payments",
        ]
    );
    let text = api.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(api["components"]["schemas"][name].is_object(), "{name}");
    }
}

#[actix_web::test]
async fn it_says_what_may_be_left_out() {
    let api = document();
    let schemas = &api["components"]["schemas"];
    assert_eq!(schemas["NewPayment"]["required"], json!(["user_id", "method"]));
    assert_eq!(schemas["NewPayment"]["additionalProperties"], json!(false));
    for action in ["process", "refund"] {
        let body = &api["paths"][format!("/payments/{{id}}/{action}")]["post"]["requestBody"];
        assert_ne!(body["required"], json!(true), "{action}");
    }
    let list = api["paths"]["/payments"]["get"]["parameters"].as_array().unwrap();
    assert_eq!(list.len(), 4);
    assert!(list.iter().all(|parameter| parameter["required"] == json!(false)), "{list:?}");
}

#[actix_web::test]
async fn all_routes_but_the_providers_want_a_token() {
    let api = document();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let public = operation["security"] == json!([{}]);
            assert_eq!(public, path == "/provider-callbacks", "{method} {path}");
            assert!(operation["responses"]["401"].is_object(), "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn every_failure_is_a_problem() {
    let api = document();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let content = response["content"].as_object();
                let media: Vec<_> = content.iter().flat_map(|content| content.keys()).collect();
                let expected: &[&str] = match status.as_str() {
                    "204" => &[],
                    status if status.starts_with('2') => &["application/json"],
                    _ => &["application/problem+json"],
                };
                assert_eq!(media, expected, "{method} {path} {status}");
            }
        }
    }
}
