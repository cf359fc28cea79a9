//! Who may do what: every route and method that the running service says it has, for each kind of caller.
//!
//! A new one is a line in the list of `http` or `grpc`, and what its request looks like.

mod grpc;
mod http;

use platform_identity::testing::TestIssuer;
use platform_testkit::inventory::Tokens;
use serde_json::Value;

use crate::support::{Service, lamp};

fn tokens(issuer: &TestIssuer) -> Tokens {
    Tokens {
        owner: issuer.token("ada", &[]),
        stranger: issuer.token("bob", &[]),
        service: issuer.token("payment-service", &["service"]),
        admin: issuer.token("root", &["admin"]),
        bad: issuer.bad_tokens("root", &["admin"]),
    }
}

/// The service, as its administrator sees it.
struct Shop<'a> {
    service: &'a Service,
    admin: String,
}

impl<'a> Shop<'a> {
    fn new(service: &'a Service, issuer: &TestIssuer) -> Self {
        Self { service, admin: issuer.bearer("root", &["admin"]) }
    }

    /// Adds a lamp and answers its number.
    async fn lamp(&self) -> i64 {
        let authorization = [("authorization", self.admin.as_str())];
        let made = self.service.send("POST", "/products", &authorization, Some(lamp(5))).await;
        made.body["id"].as_i64().unwrap()
    }

    /// All products with their stock, and what payments hold.
    async fn state(&self) -> String {
        let authorization = [("authorization", self.admin.as_str())];
        let products = self.service.send("GET", "/products?limit=100", &authorization, None).await;
        assert_eq!(products.body["next_cursor"], Value::Null, "one page has them all");
        let stats = self.service.send("GET", "/products/stats", &authorization, None).await;
        assert_eq!((products.status, stats.status), (200, 200));
        format!("{} {}", products.body, stats.body)
    }
}
