//! Health, metrics and documents.

use std::time::Duration;

use crate::support::{Backend, Gateway, full, nobody};
use http::Response;
use platform_testkit::{PATIENCE, eventually};

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
