//! Every route.

use platform_identity::testing::TestIssuer;
use platform_testkit::{
    data_dir,
    inventory::{self, Access, Answer, Probe},
};
use serde_json::{Value, json};

use super::{OWNER, Shop, tokens};
use crate::support::{Products, Service};

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_it_should() {
    let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
    let products = Products::guarded(1_000, &issuer).await;
    let service = Service::guarded(folder.path(), products.address(), &issuer).await;
    let found = inventory::operations(&service.get("/openapi.json").await.1);
    let listed = [
        ("GET /baskets/{user_id}", Access::OwnerOrService),
        ("POST /baskets", OWNER),
        ("DELETE /baskets/{user_id}", OWNER),
        ("POST /baskets/{user_id}/items", OWNER),
        ("PUT /baskets/{user_id}/items/{product_id}", OWNER),
        ("DELETE /baskets/{user_id}/items/{product_id}", OWNER),
        ("DELETE /baskets/{user_id}/items", OWNER),
    ];
    let probe = Http { shop: Shop::new(&service, &issuer) };
    assert_eq!(inventory::faults(&found, &listed, &tokens(&issuer), &probe).await, Vec::<String>::new());
    service.stop().await;
}

struct Http<'a> {
    shop: Shop<'a>,
}

/// A request without a caller.
struct Plain {
    method: String,
    path: String,
    body: Option<Value>,
}

impl Probe for Http<'_> {
    type Request = Plain;

    async fn request(&self, name: &str) -> Plain {
        let (method, template) = name.split_once(' ').unwrap();
        let body = match name {
            "POST /baskets" => Some(json!({"user_id": "ada"})),
            "POST /baskets/{user_id}/items" => Some(json!({"product_id": 2, "quantity": 1})),
            "PUT /baskets/{user_id}/items/{product_id}" => Some(json!({"quantity": 3})),
            _ => None,
        };
        self.shop.prepare(name == "POST /baskets").await;
        let path = template.replace("{user_id}", "ada").replace("{product_id}", "1");
        Plain { method: method.to_owned(), path, body }
    }

    async fn send(&self, request: &Plain, authorization: Option<&str>) -> Answer {
        let Plain { method, path, body } = request;
        let answer = self.shop.service.ask(method, path, authorization, body.clone()).await;
        Answer::of_http(answer.status, answer.challenge.as_deref())
    }

    async fn state(&self) -> String {
        self.shop.state().await
    }
}
