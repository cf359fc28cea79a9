//! Who may do what: every route and method that the running service says it has, for each kind of caller.
//!
//! A new one is a line in the list of `http` or `grpc`, and what its request looks like.

mod grpc;
mod http;

use platform_identity::testing::TestIssuer;
use platform_testkit::inventory::{Access, Answer, Tokens};
use serde_json::{Value, json};

use crate::support::Service;

/// A basket is named by its user: others learn that it is not theirs.
const OWNER: Access = Access::Owner { others: Answer::Forbidden };

fn tokens(issuer: &TestIssuer) -> Tokens {
    Tokens {
        owner: issuer.token("ada", &[]),
        stranger: issuer.token("bob", &[]),
        service: issuer.token("payment-service", &["service"]),
        admin: issuer.token("root", &["admin"]),
        bad: issuer.bad_tokens("ada", &["admin"]),
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

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> u16 {
        self.service.ask(method, path, Some(&self.admin), body).await.status
    }

    /// Leaves Ada with a line in her basket, or without a basket where one is going to be made.
    async fn prepare(&self, makes_one: bool) {
        assert!(matches!(self.ask("DELETE", "/baskets/ada", None).await, 204 | 404));
        if !makes_one {
            let line = json!({"product_id": 1, "quantity": 2});
            assert_eq!(self.ask("POST", "/baskets/ada/items", Some(line)).await, 200);
        }
    }

    /// The baskets of everybody who calls.
    async fn state(&self) -> String {
        let mut state = Vec::new();
        for user in ["ada", "bob", "payment-service", "root"] {
            let path = format!("/baskets/{user}");
            let seen = self.service.ask("GET", &path, Some(&self.admin), None).await;
            // Of what is not there, the answer is a problem with an id of its own.
            let basket = if seen.status == 200 { seen.body } else { Value::Null };
            state.push((user, seen.status, basket));
        }
        format!("{state:?}")
    }
}
