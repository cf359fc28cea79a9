//! Health, metrics and documents.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{Backend, Gateway, full, nobody};
use http::{Method, Response};
use platform_telemetry::{LogFormat, logger_to};
use platform_testkit::{PATIENCE, eventually};
use serde_json::Value;

#[tokio::test]
async fn readiness_names_who_is_away() {
    let (backend, away) = (Backend::echo().await, nobody());
    let gateway = Gateway::before(&backend.url(), &[("BASKET_SERVICE_URLS", &away)]).await;
    // Until the others have been asked, they are missing too.
    let detail = || async {
        let (status, report) = gateway.get_json("/health/ready").await;
        assert_eq!(status, 503);
        let dependencies = report["dependencies"].as_array().unwrap().iter();
        let down: Vec<_> = dependencies.filter(|dependency| dependency["status"] == "down").collect();
        let alone = down.len() == 1 && down[0]["name"] == "basket-service";
        alone.then(|| down[0]["detail"].as_str().unwrap().to_owned())
    };
    let detail = eventually(PATIENCE, detail).await.unwrap();
    assert!(detail.contains(&away), "{detail}");
    assert_eq!(gateway.get_json("/health/live").await.0, 200);
}

#[tokio::test]
async fn readiness_follows_the_backends() {
    let port = platform_testkit::free_port().unwrap();
    let quick = [("HEALTH_CHECK_INTERVAL", "20ms"), ("HEALTH_CHECK_DOWN", "3")];
    let gateway = Gateway::before(&format!("http://127.0.0.1:{port}"), &quick).await;
    assert_eq!(gateway.get_json("/health/ready").await.0, 503);
    let backend = Backend::echo_at(port).await;
    gateway.ready().await;
    assert_eq!(gateway.get_json("/api/products").await.0, 200);
    drop(backend);
    let gone = || async { (gateway.get_json("/health/ready").await.0 == 503).then_some(()) };
    eventually(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn every_backend_is_shown_with_status_and_latency() {
    let (backend, away) = (Backend::echo().await, nobody());
    let urls = format!("{};weight=3,{away}", backend.url());
    let variables = [("PRODUCT_SERVICE_URLS", urls.as_str()), ("PAYMENT_SERVICE_ENABLED", "false")];
    let gateway = Gateway::before(&backend.url(), &variables).await;
    let (status, report) = gateway.get_json("/health/detailed").await;
    assert_eq!((status, report["status"].as_str()), (200, Some("down")));
    let product = &report["services"][0];
    assert_eq!(product["name"], "product");
    let (up, down) = (&product["backends"][0], &product["backends"][1]);
    assert_eq!((up["url"].as_str(), up["weight"].as_u64()), (Some(backend.url().as_str()), Some(3)));
    assert_eq!((&up["status"], &down["status"]), (&"up".into(), &"down".into()));
    assert!(up["latency_ms"].is_u64() && down["detail"].is_string());
    let payment = report["services"].as_array().unwrap().iter().find(|service| service["name"] == "payment");
    assert_eq!(payment.unwrap()["enabled"], false);
}

#[tokio::test]
async fn backends_have_figures() {
    let (backend, away) = (Backend::echo().await, nobody());
    let gateway = Gateway::before(&backend.url(), &[("BASKET_SERVICE_URLS", &away)]).await;
    gateway.get_json("/api/products/7").await;
    gateway.get_json("/api/baskets/u1").await;
    let text = gateway.metrics().await;
    let (up, away) = (backend.addr.to_string(), away.trim_start_matches("http://").to_owned());
    for line in [
        format!(
            "gateway_upstream_requests_total{{service=\"product\",route=\"/products/*\",backend=\"{up}\",status=\"2xx\"}} 1"
        ),
        format!(
            "gateway_upstream_requests_total{{service=\"basket\",route=\"/baskets/*\",backend=\"{away}\",status=\"none\"}} 1"
        ),
        format!(
            "gateway_upstream_errors_total{{service=\"basket\",route=\"/baskets/*\",backend=\"{away}\"}} 1"
        ),
        format!("gateway_backend_in_flight{{service=\"product\",backend=\"{up}\"}} 0"),
        format!("gateway_backend_state{{service=\"product\",backend=\"{up}\",state=\"warming\"}} 1"),
        format!("gateway_breaker_state{{service=\"product\",backend=\"{up}\",state=\"closed\"}} 1"),
        format!("gateway_breaker_trips_total{{service=\"product\",backend=\"{up}\"}} 0"),
        format!(
            "gateway_upstream_duration_seconds_count{{service=\"product\",route=\"/products/*\",backend=\"{up}\"}} 1"
        ),
    ] {
        assert!(text.contains(&line), "{line} is missing in\n{text}");
    }
}

/// A duration that is taken before the work is done shows as nothing at all.
#[tokio::test]
async fn durations_are_those_of_the_work() {
    const WORK: Duration = Duration::from_millis(60);
    let backend = Backend::start(async |_| {
        tokio::time::sleep(WORK).await;
        Response::new(full("{}"))
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    gateway.get_json("/api/products/7").await;
    let text = gateway.metrics().await;
    for (name, label) in [
        ("http_server_request_duration_seconds_sum", r#"route="/api"#),
        ("gateway_upstream_duration_seconds_sum", r#"service="product""#),
    ] {
        let line = text.lines().find(|line| line.starts_with(name) && line.contains(label));
        let seconds = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        assert!(
            seconds.is_some_and(|seconds| seconds >= WORK.as_secs_f64()),
            "{name}: {seconds:?} in\n{text}"
        );
    }
}

#[tokio::test]
async fn documents_are_served() {
    let gateway = Gateway::before(&nobody(), &[]).await;
    let (status, document) = gateway.get_json("/openapi.json").await;
    assert_eq!(status, 200);
    for path in ["/health", "/health/live", "/health/ready", "/health/detailed", "/metrics"] {
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
    assert_eq!(gateway.get("/docs/").await.status(), 200);
}

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

#[tokio::test]
async fn a_line_tells_where_a_request_went() {
    let (backend, away) = (Backend::echo().await, nobody());
    let log = Log::default();
    let (logger, flushed) = logger_to(log.clone(), "gateway", "1", slog::Level::Info, LogFormat::Json);
    let urls = format!("{away},{}", backend.url());
    let gateway = Gateway::logging(&backend.url(), &[("PRODUCT_SERVICE_URLS", &urls)], logger).await;
    let request = gateway.request(Method::GET, "/api/products/7").header("x-request-id", "r-7");
    assert_eq!(gateway.send(request.body(full("")).unwrap()).await.status(), 200);
    assert_eq!(gateway.stop().await, platform_runtime::Outcome::Clean);
    drop(flushed);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<_> = lines.filter(|line| line["msg"] == "forwarded").collect();
    assert_eq!(lines.len(), 1, "{log}");
    let line = &lines[0];
    assert_eq!((&line["request_id"], &line["route"]), (&"r-7".into(), &"/products/*".into()));
    assert_eq!(line["backend"], backend.addr.to_string().as_str());
    assert_eq!((&line["attempts"], &line["status"]), (&2.into(), &200.into()));
    assert!(line["upstream_ms"].as_f64().unwrap() <= line["duration_ms"].as_f64().unwrap());
}
