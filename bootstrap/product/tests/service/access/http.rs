//! Every route.

use platform_identity::testing::TestIssuer;
use platform_testkit::{
    data_dir,
    inventory::{self, Access, Answer, Probe},
};
use serde_json::Value;

use super::{Shop, tokens};
use crate::support::{Service, lamp};

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_it_should() {
    let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
    let service = Service::guarded(folder.path(), &issuer).await;
    let found = inventory::operations(&service.get("/openapi.json").await.body);
    let listed = [
        ("GET /products", Access::Everybody),
        ("GET /products/{id}", Access::Everybody),
        ("GET /products/categories", Access::Everybody),
        ("GET /products/stats", Access::Admin),
        ("POST /products", Access::Admin),
        ("PUT /products/{id}", Access::Admin),
        ("DELETE /products/{id}", Access::Admin),
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
        let (method, path) = name.split_once(' ').unwrap();
        let path = if path.contains("{id}") {
            path.replace("{id}", &self.shop.lamp().await.to_string())
        } else {
            path.to_owned()
        };
        let body = matches!(method, "POST" | "PUT").then(|| lamp(7));
        Plain { method: method.to_owned(), path, body }
    }

    async fn send(&self, request: &Plain, authorization: Option<&str>) -> Answer {
        let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
        let Plain { method, path, body } = request;
        let answer = self.shop.service.send(method, path, &headers, body.clone()).await;
        let challenge = answer.headers.get("www-authenticate").map(|value| value.to_str().unwrap());
        Answer::of_http(answer.status, challenge)
    }

    async fn state(&self) -> String {
        self.shop.state().await
    }
}
