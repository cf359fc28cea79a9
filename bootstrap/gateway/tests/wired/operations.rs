//! Health, metrics and documents.

use std::time::Duration;

use crate::support::{Backend, Gateway, bytes, full, nobody};
use http::Response;
use platform_testkit::{PATIENCE, eventually};

#[tokio::test]
async fn readiness_names_who_is_away() {
    let (backend, away) = (Backend::echo().await, nobody());
    let gateway = Gateway::before(&backend.url(), &[("BASKET_SERVICE_URLS", &away)]).await;
    let (status, report) = gateway.get_json("/health/ready").await;
    assert_eq!(status, 503);
    let down: Vec<_> = report["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|dependency| dependency["status"] == "down")
        .collect();
    assert_eq!((down.len(), down[0]["name"].as_str()), (1, Some("basket-service")));
    assert!(down[0]["detail"].as_str().unwrap().contains(&away));
    assert_eq!(gateway.get_json("/health/live").await.0, 200);
}

#[tokio::test]
async fn readiness_follows_the_backends() {
    let (_, addr) = platform_testkit::free_listener().unwrap();
    let gateway = Gateway::before(&format!("http://{addr}"), &[]).await;
    assert_eq!(gateway.get_json("/health/ready").await.0, 503);
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let ready = || async { (gateway.get_json("/health/ready").await.0 == 200).then_some(()) };
    eventually(PATIENCE, ready).await.unwrap();
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
    let text = bytes(gateway.get("/metrics").await).await;
    let text = String::from_utf8(text.to_vec()).unwrap();
    let (up, away) = (backend.addr.to_string(), away.trim_start_matches("http://").to_owned());
    for line in [
        format!("gateway_upstream_requests_total{{service=\"product\",backend=\"{up}\",status=\"2xx\"}} 1"),
        format!("gateway_upstream_requests_total{{service=\"basket\",backend=\"{away}\",status=\"none\"}} 1"),
        format!("gateway_upstream_errors_total{{service=\"basket\",backend=\"{away}\"}} 1"),
        format!("gateway_upstream_duration_seconds_count{{service=\"product\",backend=\"{up}\"}} 1"),
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
    let text = bytes(gateway.get("/metrics").await).await;
    let text = String::from_utf8(text.to_vec()).unwrap();
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
