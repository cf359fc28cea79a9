//! The access log: one line for each request, whoever answers it.

use std::{
    io,
    sync::{Arc, Mutex},
};

use crate::support::{Backend, Gateway, bytes, fed, full, nobody, piece};
use http::Method;
use platform_identity::testing::TestIssuer;
use platform_telemetry::{LogFormat, logger_to};
use platform_testkit::data_dir;
use serde_json::Value;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a gateway with these variables has logged of requests, after `client` has done its part and it has stopped.
pub(crate) async fn lines(
    url: &str,
    variables: &[(&str, &str)],
    client: impl AsyncFnOnce(&Gateway),
) -> Vec<Value> {
    let log = Log::default();
    let (logger, flushed) = logger_to(log.clone(), "gateway", "1", slog::Level::Info, LogFormat::Json);
    let gateway = Gateway::logging(url, variables, logger).await;
    client(&gateway).await;
    assert_eq!(gateway.stop().await, platform_runtime::Outcome::Clean);
    drop(flushed);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines = log.lines().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap();
        // A name that stands twice is one in what was read.
        for name in value.as_object().unwrap().keys() {
            assert_eq!(line.matches(&format!("\"{name}\":")).count(), 1, "{name} in {line}");
        }
        value
    });
    lines.filter(|line| line.get("request_id").is_some() && line.get("duration_ms").is_some()).collect()
}

async fn get(gateway: &Gateway, target: &str, id: &str, token: Option<&str>) -> usize {
    let mut request = gateway.request(Method::GET, target).header("x-request-id", id);
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    bytes(gateway.send(request.body(full("")).unwrap()).await).await.len()
}

#[tokio::test]
async fn one_line_tells_who_asked_where_it_went_and_what_came_back() {
    let (backend, away, folder, issuer) =
        (Backend::echo().await, nobody(), data_dir().unwrap(), TestIssuer::new());
    let urls = format!("{away},{}", backend.url());
    let mut variables = issuer.environment(folder.path()).unwrap();
    variables.push(("PRODUCT_SERVICE_URLS", urls));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let token = issuer.bearer("ada", &[]);
    let mut length = 0;
    let lines = lines(&backend.url(), &variables, async |gateway| {
        length = get(gateway, "/api/products/7", "r-7", Some(&token)).await;
    })
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    for (field, value) in [
        ("msg", Value::from("request")),
        ("request_id", "r-7".into()),
        ("method", "GET".into()),
        ("service", "gateway".into()),
        ("upstream", "product".into()),
        ("route", "/products/*".into()),
        ("backend", backend.addr.to_string().into()),
        ("attempts", 2.into()),
        ("status", 200.into()),
        ("bytes", length.into()),
        ("subject", "ada".into()),
        ("peer", "127.0.0.1".into()),
    ] {
        assert_eq!(line[field], value, "{field} in {line}");
    }
    assert!(line["upstream_ms"].as_f64().unwrap() <= line["duration_ms"].as_f64().unwrap(), "{line}");
}

#[tokio::test]
async fn requests_that_reach_no_backend_have_their_line_too() {
    let limit = [("RATE_LIMIT_ENABLED", "true"), ("RATE_LIMIT_BURST", "1")];
    let mut lengths = Vec::new();
    let backend = Backend::echo().await;
    let lines = lines(&backend.url(), &limit, async |gateway| {
        for (target, id) in
            [("/api/baskets/u", "ok"), ("/api/baskets/u", "limited"), ("/api/nothing", "unknown")]
        {
            lengths.push(get(gateway, target, id, None).await);
        }
    })
    .await;
    let seen: Vec<_> =
        lines.iter().map(|line| (line["request_id"].clone(), line["status"].clone())).collect();
    let expected = [("ok", 200), ("limited", 429), ("unknown", 404)];
    assert_eq!(seen, expected.map(|(id, status)| (Value::from(id), Value::from(status))));
    let limited = &lines[1];
    assert_eq!((&limited["code"], &limited["attempts"]), (&"rate_limited".into(), &0.into()));
    assert_eq!((limited["backend"].is_null(), &limited["bytes"]), (true, &lengths[1].into()));
}

#[tokio::test]
async fn the_line_of_a_stream_comes_with_its_end() {
    let (sender, backend) = fed("text/event-stream").await;
    let lines = lines(&backend.url(), &[], async |gateway| {
        let mut response = gateway.get("/api/notifications/stream").await;
        for _ in 0..3 {
            sender.send(Ok("data: 1\n\n".into())).await.unwrap();
            assert_eq!(piece(response.body_mut()).await.unwrap(), "data: 1\n\n");
        }
        drop(sender);
        assert_eq!(piece(response.body_mut()).await, None);
    })
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["bytes"], &lines[0]["status"]), (&27.into(), &200.into()));
}
