//! The operators' side of a gateway: their port, their changes, and what discovery finds.

mod changes;
mod discovery;
mod dns;
mod draining;
mod named;
mod routes;
mod state;
mod tls;

use http::{HeaderMap, Method, Request};
use platform_identity::testing::TestIssuer;
use platform_testkit::data_dir;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Gateway, bytes, full};

/// A gateway that asks for tokens, and lets operators in.
struct Office {
    gateway: Gateway,
    issuer: TestIssuer,
    _keys: TempDir,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

impl Office {
    async fn open(url: &str, variables: &[(&str, &str)]) -> Self {
        let (issuer, keys) = (TestIssuer::new(), data_dir().unwrap());
        let identity = issuer.environment(keys.path()).unwrap();
        let identity = identity.iter().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<_> =
            identity.chain([("ADMIN_ENABLED", "true")]).chain(variables.iter().copied()).collect();
        Self { gateway: Gateway::before(url, &all).await, issuer, _keys: keys }
    }

    /// A request on the operators' port; `authorization` and `if-match` where they are not empty.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        (authorization, version): (&str, &str),
        body: Option<&Value>,
    ) -> Answer {
        let uri = format!("http://{}{path}", self.gateway.admin());
        let mut request = Request::builder().method(method).uri(uri).header("x-request-id", "r-7");
        for (name, value) in [("authorization", authorization), ("if-match", version)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let request = match body {
            None => request.body(full("")),
            Some(body) => request.header("content-type", "application/json").body(full(body.to_string())),
        };
        let response = self.gateway.send(request.unwrap()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = serde_json::from_slice(&bytes(response).await).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    fn admin(&self) -> String {
        self.issuer.bearer("ada", &["admin"])
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, (&self.admin(), ""), None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then_some(&body);
        self.ask(method, path, (&self.admin(), ""), body).await
    }

    /// The backends of the product service: `127.0.0.1:1 3 ready`.
    async fn backends(&self) -> Vec<String> {
        let balancer = self.get("/admin/loadbalancer/product").await;
        let show = |backend: &Value| {
            let text = |name: &str| backend[name].as_str().unwrap().to_owned();
            format!("{} {} {}", text("backend"), backend["weight"], text("condition"))
        };
        balancer["backends"].as_array().unwrap().iter().map(show).collect()
    }

    async fn version(&self) -> u64 {
        self.get("/admin/status").await["config_version"].as_u64().unwrap()
    }
}
