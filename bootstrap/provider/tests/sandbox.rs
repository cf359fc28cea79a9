//! The sandbox over HTTP, with merchants of its own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use platform_runtime::{Configuration, Launched, Settings};
use platform_telemetry::silent;
use platform_testkit::{PATIENCE, data_dir};
use provider_service::Config;
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

struct Sandbox {
    url: String,
    launched: Launched,
    client: reqwest::Client,
}

impl Sandbox {
    async fn start(folder: &TempDir) -> Self {
        let variables =
            [("PORT", "0"), ("DATA_DIR", folder.path().to_str().unwrap()), ("SLOW_ANSWER", "50ms")];
        let mut settings = Settings::from_pairs(variables);
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let running = provider_service::start(config, silent()).await.unwrap();
        let launched = running.launch(silent(), Duration::from_secs(20));
        let url = format!("http://127.0.0.1:{}", launched.addr("http").unwrap().port());
        // The client wants to know who encrypts, though nothing here is encrypted; another test may have said so already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { url, launched, client: reqwest::Client::new() }
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let request =
            self.client.post(format!("{}{path}", self.url)).header("Idempotency-Key", key).json(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn charge(&self, key: &str, token: &str) -> (u16, Value) {
        self.post("/charges", key, &charge(token)).await
    }
}

fn charge(token: &str) -> Value {
    json!({ "amount": "129.90", "currency": "USD", "method": "credit_card", "token": token, "reference": "p1" })
}

#[tokio::test]
async fn a_key_charges_once_and_refunds_once() {
    let folder = data_dir().unwrap();
    let sandbox = Sandbox::start(&folder).await;
    let (status, first) = sandbox.charge("k1", "tok_success").await;
    assert_eq!((status, &first["status"], &first["refunded"]), (200, &"captured".into(), &"0.00".into()));
    assert_eq!(
        (&first["amount"], &first["currency"], &first["key"]),
        (&"129.90".into(), &"USD".into(), &"k1".into())
    );
    assert!(first["id"].as_str().unwrap().starts_with("ch_"));
    assert_eq!(sandbox.charge("k1", "tok_success").await, (200, first.clone()));
    assert_eq!(sandbox.get("/charges/by-key/k1").await, (200, first.clone()));
    let mut other = charge("tok_success");
    other["amount"] = json!(1.5);
    let (status, problem) = sandbox.post("/charges", "k1", &other).await;
    assert_eq!((status, &problem["code"]), (422, &"idempotency_key_reused".into()));

    let half = json!({ "charge_id": first["id"], "amount": "100.00" });
    let (status, refund) = sandbox.post("/refunds", "r1", &half).await;
    assert_eq!((status, &refund["status"], &refund["amount"]), (200, &"refunded".into(), &"100.00".into()));
    assert_eq!(sandbox.post("/refunds", "r1", &half).await, (200, refund.clone()));
    assert_eq!(sandbox.get("/refunds/by-key/r1").await, (200, refund));
    let (status, problem) = sandbox.post("/refunds", "r2", &half).await;
    assert_eq!((status, &problem["code"]), (409, &"amount_exceeds_charge".into()));
    assert_eq!(sandbox.get("/charges/by-key/k1").await.1["refunded"], "100.00");
}

#[tokio::test]
async fn fifty_calls_at_once_are_one_charge() {
    let folder = data_dir().unwrap();
    let sandbox = Sandbox::start(&folder).await;
    let mut ids = std::collections::BTreeSet::new();
    let calls = (0..50).map(|_| sandbox.charge("k", "tok_success"));
    for (status, charge) in futures_util::future::join_all(calls).await {
        assert_eq!(status, 200);
        ids.insert(charge["id"].to_string());
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(sandbox.get("/ledger").await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_do_what_they_say() {
    let folder = data_dir().unwrap();
    let sandbox = Sandbox::start(&folder).await;
    for (token, code) in [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_nonsense", "invalid_token"),
    ] {
        let (status, charge) = sandbox.charge(token, token).await;
        assert_eq!(
            (status, &charge["status"], &charge["failure_code"]),
            (200, &"declined".into(), &code.into())
        );
    }
    for (token, charged) in [("tok_error_after_charge", 200), ("tok_error_before_charge", 404)] {
        let (status, problem) = sandbox.charge(token, token).await;
        assert_eq!((status, &problem["code"]), (500, &"simulated_failure".into()));
        assert_eq!(sandbox.get(&format!("/charges/by-key/{token}")).await.0, charged);
        let (status, charge) = sandbox.charge(token, token).await;
        assert_eq!((status, &charge["status"]), (200, &"captured".into()));
    }
    assert_eq!(sandbox.charge("slow", "tok_slow").await.0, 200);
}

#[tokio::test]
async fn a_held_answer_comes_after_the_charge_and_a_repeat_at_once() {
    let folder = data_dir().unwrap();
    let sandbox = Sandbox::start(&folder).await;
    let held = sandbox.charge("k", "tok_timeout_after_charge");
    let charged = async {
        let found = || async { (sandbox.get("/charges/by-key/k").await.0 == 200).then_some(()) };
        platform_testkit::eventually(PATIENCE, found).await.unwrap();
        sandbox.charge("k", "tok_timeout_after_charge").await
    };
    tokio::select! {
        biased;
        _ = held => panic!("the first call was answered"),
        (status, charge) = charged => assert_eq!((status, &charge["status"]), (200, &"captured".into())),
    }
    assert_eq!(sandbox.launched.stop().await, platform_runtime::Outcome::Clean);
}

#[tokio::test]
async fn the_ledger_is_paged_and_survives_a_restart() {
    let folder = data_dir().unwrap();
    let sandbox = Sandbox::start(&folder).await;
    let (_, first) = sandbox.charge("k1", "tok_success").await;
    sandbox.charge("k2", "tok_declined").await;
    sandbox.post("/refunds", "r1", &json!({ "charge_id": first["id"], "amount": "29.90" })).await;
    assert_eq!(sandbox.launched.stop().await, platform_runtime::Outcome::Clean);

    let sandbox = Sandbox::start(&folder).await;
    let (_, page) = sandbox.get("/ledger?limit=2").await;
    let kinds = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["type"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds(&page), ["charge", "charge"]);
    let totals = json!([{ "reference": "p1", "currency": "USD", "captures": 1, "captured": "129.90", "refunded": "29.90" }]);
    assert_eq!(page["totals"], totals);
    let (_, rest) =
        sandbox.get(&format!("/ledger?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!((kinds(&rest), &rest["next_cursor"]), (vec!["refund".to_owned()], &Value::Null));
    assert_eq!(sandbox.get("/ledger?limit=0").await.0, 422);
    assert_eq!(sandbox.get("/ledger?cursor=x").await.0, 422);
}

#[tokio::test]
async fn bad_input_stores_nothing() {
    let folder = data_dir().unwrap();
    let sandbox = Sandbox::start(&folder).await;
    let mut bodies = vec![json!([]), json!({}), json!("x")];
    for (field, value) in [
        ("amount", json!("1.005")),
        ("amount", json!(-1)),
        ("amount", json!(0)),
        ("amount", json!(1e300)),
        ("currency", json!("usd")),
        ("reference", json!("x".repeat(129))),
        ("token", json!(7)),
        ("callback_url", json!("ftp://x")),
        ("unknown", json!(1)),
    ] {
        let mut body = charge("tok_success");
        body[field] = value;
        bodies.push(body);
    }
    for body in bodies {
        assert_eq!(sandbox.post("/charges", "k", &body).await.0, 422, "{body}");
    }
    let no_key = sandbox.client.post(format!("{}/charges", sandbox.url)).json(&charge("tok_success"));
    assert_eq!(no_key.send().await.unwrap().status(), 422);
    assert!(sandbox.get("/ledger").await.1["items"].as_array().unwrap().is_empty());
    assert_eq!(sandbox.get("/charges/by-key/k").await.0, 404);
    assert_eq!(sandbox.get("/refunds/by-key/k").await.0, 404);
}

/// The test waits for the merchant's thread, so the sandbox needs another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merchants_are_called_back_signed_repeated_and_out_of_order() {
    let folder = data_dir().unwrap();
    let sandbox = Sandbox::start(&folder).await;
    let (url, calls) = merchant();
    let mut body = charge("tok_callback_twice");
    body["callback_url"] = json!(url);
    let (_, charge) = sandbox.post("/charges", "k", &body).await;
    let calls: Vec<_> = (0..3).map(|_| calls.recv_timeout(PATIENCE).unwrap()).collect();
    let events: Vec<Value> = calls.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect();
    let sequences: Vec<_> = events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, [2, 1, 2]);
    assert_eq!(events[0], events[2]);
    assert_eq!((&events[0]["charge_id"], &events[0]["status"]), (&charge["id"], &"captured".into()));
    for (signature, body) in &calls {
        let (time, hash) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"sandbox-secret").unwrap();
        mac.update(format!("{time}.").as_bytes());
        mac.update(body);
        mac.verify_slice(&hex::decode(hash).unwrap()).unwrap();
    }
}

/// A merchant that answers 200 and hands on each call's signature and body.
fn merchant() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/callbacks", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = BufReader::new(socket.unwrap());
            let (mut signature, mut length) = (String::new(), 0);
            for line in socket.by_ref().lines() {
                let line = line.unwrap();
                match line.split_once(": ") {
                    Some(("x-provider-signature", value)) => value.clone_into(&mut signature),
                    Some(("content-length", value)) => length = value.parse().unwrap(),
                    None if line.is_empty() => break,
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            socket.read_exact(&mut body).unwrap();
            socket.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            if sender.send((signature, body)).is_err() {
                return;
            }
        }
    });
    (url, receiver)
}

#[tokio::test]
async fn documents_and_health_are_served() {
    let folder = data_dir().unwrap();
    let sandbox = Sandbox::start(&folder).await;
    let (_, document) = sandbox.get("/openapi.json").await;
    for path in ["/charges", "/charges/by-key/{key}", "/refunds", "/refunds/by-key/{key}", "/ledger"] {
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
    let (status, report) = sandbox.get("/health/ready").await;
    assert_eq!((status, &report["dependencies"][0]["name"]), (200, &"provider-ledger".into()));
}
