//! Starts the service, writes events into its log, and speaks HTTP to it.

use std::sync::Arc;

use kernel_application::messaging::{EventLog, OutboundMessage};
use kernel_domain::{EventId, Timestamp};
use notification_service::{Config, start};
use platform_messaging::{CloudEvent, topics};
use platform_runtime::{Configuration, Launched, Outcome, Settings};
use platform_sqlite::SqliteEventLog;
use platform_telemetry::silent;
use platform_testkit::{PATIENCE, eventually};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// A running service and its folder.
pub(crate) struct Service {
    pub(crate) dir: Arc<TempDir>,
    launched: Launched,
    url: String,
    client: reqwest::Client,
}

impl Service {
    pub(crate) async fn start(pairs: &[(&str, &str)]) -> Self {
        Self::start_in(Arc::new(platform_testkit::data_dir().unwrap()), pairs).await
    }

    pub(crate) async fn start_in(dir: Arc<TempDir>, pairs: &[(&str, &str)]) -> Self {
        let folder = dir.path().to_str().unwrap();
        let home = [
            ("STORAGE", "embedded"),
            ("EVENTS", "embedded"),
            ("DATA_DIR", folder),
            ("PORT", "0"),
            ("SHUTDOWN_TIMEOUT", "8s"),
            ("AUTH_MODE", "off"),
        ];
        let mut settings = Settings::from_pairs(home.into_iter().chain(pairs.iter().copied()));
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let timeout = config.common.shutdown_timeout;
        let launched = start(config, silent()).await.unwrap().launch(silent(), timeout);
        let url = format!("http://127.0.0.1:{}", launched.addr("http").unwrap().port());
        let client = notification_channels::http_client().unwrap();
        Self { dir, launched, url, client }
    }

    /// Stops in order and gives the folder back.
    pub(crate) async fn stop(self) -> Arc<TempDir> {
        assert_eq!(self.launched.stop().await, Outcome::Clean);
        self.dir
    }

    /// A request of somebody's, or of nobody's.
    pub(crate) fn request(&self, method: &str, path: &str, authorization: Option<&str>) -> RequestBuilder {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        match authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.client.get(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn post(&self, path: &str) -> (u16, Value) {
        answer(self.client.post(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn follow(&self, user: &str, last: Option<&str>) -> Stream {
        let url = format!("{}/notifications/stream?user_id={user}", self.url);
        let mut request = self.client.get(url).timeout(PATIENCE);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        Stream { response: request.send().await.unwrap(), text: String::new() }
    }

    /// The user's notifications, once there are `count`.
    pub(crate) async fn notifications(&self, user: &str, count: usize) -> Vec<Value> {
        let path = format!("/notifications?user_id={user}");
        let probe = || async {
            let (_, page) = self.get(&path).await;
            page["items"].as_array().filter(|items| items.len() >= count).cloned()
        };
        eventually(PATIENCE, probe).await.unwrap()
    }

    /// The user's notification on a channel, once it has that status.
    pub(crate) async fn with_status(&self, user: &str, channel: &str, status: &str) -> Value {
        let path = format!("/notifications?user_id={user}&channel={channel}");
        let probe = || async {
            let (_, page) = self.get(&path).await;
            Some(page["items"][0].clone()).filter(|item| item["status"] == status)
        };
        eventually(PATIENCE, probe).await.unwrap()
    }

    /// Appends an event to the log as another service would, `times` times.
    pub(crate) async fn append(&self, event: &CloudEvent, times: usize) {
        let log = SqliteEventLog::open(&self.dir.path().join("events.db"), &topics::ALL).await.unwrap();
        let message = OutboundMessage {
            event_id: event.id,
            topic: topics::PAYMENT_EVENTS.into(),
            key: event.subject.clone(),
            aggregate_version: 1,
            payload: event.encode(),
            headers: vec![],
        };
        let partition = log.partition_of(topics::PAYMENT_EVENTS, &message.key).await.unwrap();
        for _ in 0..times {
            log.append(topics::PAYMENT_EVENTS, partition, std::slice::from_ref(&message)).await.unwrap();
        }
    }
}

/// A stream of server-sent events.
pub(crate) struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    /// The next event's id and data, past comments and the start.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name| block.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
                if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                    assert!(block.contains("event: notification"), "{block}");
                    return Some((id, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

/// A `payment.completed.v1` about the user's payment number `n`.
pub(crate) fn completed(n: u128, user: &str) -> CloudEvent {
    event(n, "payment.completed.v1", &json!({ "user_id": user }))
}

/// An event with these fields besides the usual ones.
pub(crate) fn event(n: u128, kind: &str, more: &Value) -> CloudEvent {
    let payment_id = Uuid::from_u128(n + 1_000).to_string();
    let mut data = json!({
        "payment_id": payment_id, "user_id": "ada", "amount": "129.90", "currency": "USD",
        "items": [{"product_id": 7, "name": "Keyboard", "quantity": 2, "price": "64.95", "subtotal": "129.90"}],
    });
    for (name, value) in more.as_object().unwrap() {
        data[name] = value.clone();
    }
    CloudEvent {
        id: EventId::from_uuid(Uuid::from_u128(n)),
        kind: kind.into(),
        source: "/payment".into(),
        subject: payment_id,
        time: Timestamp::UNIX_EPOCH,
        trace: None,
        data,
    }
}
