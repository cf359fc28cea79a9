//! What an operator sees: health, metrics, documents, and one trace from the gateway through the events.

use reqwest::Method;

use crate::{
    buyer::Buyer,
    shop::{SERVICES, Shop},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_service_can_be_looked_into() {
    let shop = Shop::open().await;
    let product = shop.product("10.00", 10).await;
    Buyer::new("ada").buy(&shop, product, 1).await;
    for service in SERVICES {
        let base = shop.http(service);
        for path in ["/health", "/health/live", "/health/ready"] {
            let reply = shop.send(Method::GET, &format!("{base}{path}"), None, &[]).await.unwrap();
            assert_eq!(reply.status, 200, "{service}{path}: {reply:?}");
        }
        let document =
            shop.send(Method::GET, &format!("{base}/openapi.json"), None, &[]).await.unwrap().expect(200);
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{service}");
        let docs = shop.client.get(format!("{base}/docs/")).send().await.unwrap();
        assert!(docs.status().is_success(), "{service}: {}", docs.status());
        let metrics = shop.client.get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
        assert!(metrics.ends_with("# EOF\n"), "{service}");
        assert!(
            metrics.contains("http_requests_total") || metrics.contains("requests_total"),
            "{service}:\n{metrics}"
        );
        assert!(!metrics.contains(&format!("/products/{product}\"")), "{service}: raw paths in labels");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_through_services_and_events() {
    let shop = Shop::open().await;
    let product = shop.product("10.00", 10).await;
    let ada = Buyer::new("ada");
    let payment = ada.pending(&shop, product, 1).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers =
        [("traceparent", &*format!("00-{trace}-00f067aa0ba902b7-01")), ("x-request-id", "my-request-7")];
    let path = format!("/payments/{payment}/process");
    let reply = shop.call_with(Method::POST, &path, Some(serde_json::json!({})), &headers).await;
    assert_eq!(reply.headers["x-request-id"], "my-request-7");
    assert!(reply.headers["traceparent"].to_str().unwrap().contains(trace));
    reply.expect(200);
    for service in ["gateway-service", "payment-service", "product-service", "provider-service"] {
        shop.until(&format!("{service} logged the trace"), || async { shop.log(service).contains(trace) })
            .await;
    }
    shop.until("notified", || async { ada.notified(&shop, "payment.completed.v1").await >= 1 }).await;
}
