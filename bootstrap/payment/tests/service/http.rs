//! Requests over HTTP.

use platform_testkit::inventory::{self, Answer, Operation, Probe};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{CALLBACK_SECRET, Service};

/// A request without a caller.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) challenge: Option<String>,
    pub(crate) replayed: bool,
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), headers: Vec::new(), body: Value::Null }
    }

    /// Each request has a key of its own.
    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        let headers = vec![("idempotency-key", Uuid::now_v7().to_string())];
        Self { method: "POST", path: path.into(), headers, body }
    }

    pub(crate) fn create(user: &str) -> Self {
        Self::post("/payments", json!({"user_id": user, "method": "paypal"}))
    }

    /// The same request under another key.
    pub(crate) fn under(mut self, key: &str) -> Self {
        self.headers = vec![("idempotency-key", key.to_owned())];
        self
    }

    /// A callback as the provider signs it.
    fn callback(payment: &str) -> Self {
        let body = json!({"event_id": Uuid::now_v7().to_string(), "key": format!("{payment}-1")});
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().cast_signed();
        let signature =
            payment_http::sign(CALLBACK_SECRET.as_bytes(), body.to_string().as_bytes(), now).unwrap();
        let headers = vec![("x-provider-signature", signature)];
        Self { method: "POST", path: "/provider-callbacks".to_owned(), headers, body }
    }

    fn run(self, url: &str) -> Reply {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut request =
            ureq::http::Request::builder().method(self.method).uri(format!("{url}{}", self.path));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let mut response = if self.body.is_null() {
            agent.run(request.body(()).unwrap()).unwrap()
        } else {
            let request = request.header("content-type", "application/json");
            agent.run(request.body(self.body.to_string()).unwrap()).unwrap()
        };
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (challenge, replayed) = (header("www-authenticate"), header("idempotency-replayed").is_some());
        let text = response.body_mut().read_to_string().unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply { status: response.status().as_u16(), challenge, replayed, body }
    }
}

impl Service {
    pub(crate) async fn send(&self, request: &Request, authorization: Option<&str>) -> Reply {
        let (mut request, url) = (request.clone(), self.url("http"));
        request.headers.extend(authorization.map(|value| ("authorization", value.to_owned())));
        tokio::task::spawn_blocking(move || request.run(&url)).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, authorization: Option<&str>) -> Reply {
        self.send(&Request::get(path), authorization).await
    }

    /// The routes that the running service says it has.
    pub(crate) async fn operations(&self) -> Vec<Operation> {
        inventory::operations(&self.get("/openapi.json", None).await.body)
    }

    /// A pending payment of the user's, made by themselves.
    pub(crate) async fn pending(&self, user: &str) -> String {
        let made = self.send(&Request::create(user), Some(&self.user(user))).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body["id"].as_str().unwrap().to_owned()
    }

    /// A completed payment of the user's, made by themselves.
    pub(crate) async fn paid(&self, user: &str) -> String {
        let id = self.pending(user).await;
        let process = Request::post(format!("/payments/{id}/process"), Value::Null);
        let paid = self.send(&process, Some(&self.user(user))).await;
        assert_eq!((paid.status, &paid.body["status"]), (200, &json!("completed")), "{paid:?}");
        id
    }

    /// All payments and figures, as an administrator sees them.
    pub(crate) async fn everything(&self) -> String {
        let admin = self.admin();
        let list = self.get("/payments?limit=100", Some(&admin)).await;
        let stats = self.get("/payments/stats", Some(&admin)).await;
        assert_eq!((list.status, stats.status, &list.body["next_cursor"]), (200, 200, &Value::Null));
        format!("{} {}", list.body, stats.body)
    }
}

/// Asks each route over HTTP.
pub(crate) struct OverHttp<'a>(pub(crate) &'a Service);

impl Probe for OverHttp<'_> {
    type Request = Request;

    async fn request(&self, name: &str) -> Request {
        let Self(service) = self;
        match name {
            "POST /payments" => Request::create("ada"),
            "GET /payments" => Request::get("/payments?user_id=ada"),
            "GET /payments/stats" => Request::get("/payments/stats"),
            "GET /users/{user_id}/payments" => Request::get("/users/ada/payments"),
            "GET /payments/{id}" => Request::get(format!("/payments/{}", service.pending("ada").await)),
            "POST /payments/{id}/process" => {
                Request::post(format!("/payments/{}/process", service.pending("ada").await), Value::Null)
            }
            "POST /payments/{id}/cancel" => {
                Request::post(format!("/payments/{}/cancel", service.pending("ada").await), Value::Null)
            }
            "POST /payments/{id}/refund" => {
                let path = format!("/payments/{}/refund", service.paid("ada").await);
                Request::post(path, json!({"amount": "1.00"}))
            }
            "POST /provider-callbacks" => Request::callback(&service.pending("ada").await),
            other => panic!("say how a request to {other} looks"),
        }
    }

    async fn send(&self, request: &Request, authorization: Option<&str>) -> Answer {
        let reply = self.0.send(request, authorization).await;
        Answer::of_http(reply.status, reply.challenge.as_deref())
    }

    async fn state(&self) -> String {
        self.0.everything().await
    }
}
