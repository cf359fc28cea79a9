//! The service under test.

use std::{path::Path, time::Duration};

use platform_identity::testing::TestIssuer;
use platform_runtime::{Configuration, Launched, Outcome, Settings};
use platform_telemetry::silent;
use platform_testkit::{PATIENCE, eventually};
use product_service::{Config, start};
use proto::product::v1::product_service_client::ProductServiceClient;
use serde_json::{Value, json};
use tonic::transport::Channel;

/// The product service on free ports.
pub(crate) struct Service {
    launched: Launched,
}

/// What a request was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl Service {
    /// Starts on the files in `data_dir` and waits until the service is ready. Everybody may do everything.
    pub(crate) async fn ready(data_dir: &Path) -> Self {
        Self::started(config(data_dir)).await
    }

    /// The same, but it wants tokens of `issuer`.
    pub(crate) async fn guarded(data_dir: &Path, issuer: &TestIssuer) -> Self {
        Self::started(configured(data_dir, &issuer.environment(data_dir).unwrap())).await
    }

    async fn started(config: Config) -> Self {
        let running = start(config, silent()).await.unwrap();
        let service = Self { launched: running.launch(silent(), Duration::from_secs(10)) };
        let probe = || async { (service.get("/health/ready").await.status == 200).then_some(()) };
        eventually(PATIENCE, probe).await.unwrap();
        service
    }

    pub(crate) async fn stop(self) {
        assert_eq!(self.launched.stop().await, Outcome::Clean);
    }

    pub(crate) async fn grpc(&self) -> ProductServiceClient<Channel> {
        ProductServiceClient::connect(self.grpc_url()).await.unwrap()
    }

    pub(crate) fn grpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.launched.addr("grpc").unwrap().port())
    }

    pub(crate) fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.launched.addr("http").unwrap().port())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub(crate) async fn post(&self, body: Value) -> Answer {
        self.send("POST", "/products", &[], Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let uri = format!("{}{path}", self.http_url());
        let mut request = ureq::http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        tokio::task::spawn_blocking(move || run(request, body)).await.unwrap()
    }

    /// Adds a lamp and answers its number.
    pub(crate) async fn lamp(&self, stock: i64) -> i64 {
        self.post(lamp(stock)).await.body["id"].as_i64().unwrap()
    }

    /// Units on hand and units available.
    pub(crate) async fn stock(&self, id: i64) -> (i64, i64) {
        let product = self.get(&format!("/products/{id}")).await.body;
        (product["stock_quantity"].as_i64().unwrap(), product["available_quantity"].as_i64().unwrap())
    }
}

/// The embedded home in `data_dir`, on free ports, for everybody.
pub(crate) fn config(data_dir: &Path) -> Config {
    configured(data_dir, &[("AUTH_MODE", "off".to_owned())])
}

fn configured(data_dir: &Path, identity: &[(&'static str, String)]) -> Config {
    let pairs = [
        ("PORT", "0"),
        ("GRPC_PORT", "0"),
        ("STORAGE", "embedded"),
        ("EVENTS", "embedded"),
        ("DATA_DIR", data_dir.to_str().unwrap()),
    ];
    let identity = identity.iter().map(|(name, value)| (*name, value.as_str()));
    let mut settings = Settings::from_pairs(pairs.into_iter().chain(identity));
    let config = Config::declare(&mut settings);
    settings.finish().unwrap();
    config
}

pub(crate) fn lamp(stock: i64) -> Value {
    json!({"name": "Lamp", "price": "129.90", "stock_quantity": stock, "category": "home"})
}

fn run(request: ureq::http::request::Builder, body: Option<Value>) -> Answer {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut response = match body {
        Some(body) => {
            let request = request.header("content-type", "application/json").body(body.to_string()).unwrap();
            agent.run(request).unwrap()
        }
        None => agent.run(request.body(()).unwrap()).unwrap(),
    };
    let text = response.body_mut().read_to_string().unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
}
