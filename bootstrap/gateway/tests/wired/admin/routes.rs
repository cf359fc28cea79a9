//! Who is let in, what is shown, and the document.

use http::Method;
use platform_telemetry::silent;
use serde_json::{Value, json};

use super::Office;
use crate::support::{Backend, Gateway, nobody};

/// Every route with a request that makes sense.
fn requests(backend: &str) -> Vec<(Method, &'static str, String, Value)> {
    let of = |path: &str| path.replace("{service}", "product").replace("{backend}", backend);
    let rate = json!({ "requests": 5, "window_ms": 1_000, "burst": 2 });
    let requests = [
        (Method::GET, "/admin/status", Value::Null),
        (Method::GET, "/admin/services", Value::Null),
        (Method::GET, "/admin/audit", Value::Null),
        (Method::GET, "/admin/loadbalancer/{service}", Value::Null),
        (Method::PATCH, "/admin/loadbalancer/{service}", json!({ "strategy": "least_connections" })),
        (Method::POST, "/admin/loadbalancer/{service}/backends", json!({ "url": "http://127.0.0.1:9" })),
        (Method::GET, "/admin/loadbalancer/{service}/backends/{backend}", Value::Null),
        (Method::PATCH, "/admin/loadbalancer/{service}/backends/{backend}", json!({ "weight": 4 })),
        (Method::GET, "/admin/circuitbreaker/{service}", Value::Null),
        (Method::PUT, "/admin/circuitbreaker/{service}/backends/{backend}", json!({ "state": "closed" })),
        (Method::GET, "/admin/limits", Value::Null),
        (Method::PUT, "/admin/limits/rate", rate),
        (Method::DELETE, "/admin/limits/rate", Value::Null),
        (Method::DELETE, "/admin/loadbalancer/{service}/backends/{backend}", Value::Null),
    ];
    requests.into_iter().map(|(method, path, body)| (method, path, of(path), body)).collect()
}

#[tokio::test]
async fn every_route_is_for_administrators_only() {
    let backend = Backend::echo().await;
    let office = Office::open(&backend.url(), &[]).await;
    let requests = requests(&backend.addr.to_string());
    let document = office.get("/openapi.json").await;
    let mut documented: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, _)| path.starts_with("/admin/"))
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        })
        .collect();
    let mut known: Vec<_> = requests
        .iter()
        .map(|(method, path, ..)| format!("{} {path}", method.as_str().to_lowercase()))
        .collect();
    documented.sort();
    known.sort();
    assert_eq!(documented, known, "a new route belongs into this test");

    let before = office.version().await;
    let (user, service) = (office.issuer.bearer("bob", &[]), office.issuer.bearer("basket", &["service"]));
    let forged = format!("Bearer {}", office.issuer.forged("ada", &["admin"]));
    for (method, _, path, body) in &requests {
        let body = (!body.is_null()).then_some(body);
        for (token, status) in [("", 401), (forged.as_str(), 401), (&user, 403), (&service, 403)] {
            let answer = office.ask(method.clone(), path, (token, ""), body).await;
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
    assert_eq!(office.version().await, before);
    assert!(office.get("/admin/audit").await["changes"].as_array().unwrap().is_empty());
    // The same requests of an administrator do what they say; the last backend but one may go.
    for (method, _, path, body) in requests {
        let answer = office.send(method.clone(), &path, body).await;
        assert!((200..=204).contains(&answer.status), "{method} {path}: {}", answer.body);
    }
}

#[tokio::test]
async fn operators_have_a_port_of_their_own() {
    let backend = Backend::echo().await;
    let office = Office::open(&backend.url(), &[]).await;
    let public = office.gateway.request(Method::GET, "/admin/status").header("authorization", office.admin());
    let answer = office.gateway.send(public.body(crate::support::full("")).unwrap()).await;
    assert_eq!(answer.status(), 404);
    let none = office.send(Method::GET, "/api/products", Value::Null).await;
    assert_eq!(none.status, 404);
    assert_eq!(office.ask(Method::GET, "/health/live", ("", ""), None).await.status, 200);
    assert_eq!(office.ask(Method::GET, "/docs/", ("", ""), None).await.status, 200);
    assert_eq!(
        office.send(Method::POST, "/admin/status", Value::Null).await.header("allow"),
        "GET, HEAD, OPTIONS"
    );
}

#[tokio::test]
async fn the_gateway_is_shown_as_it_is() {
    let (backend, away) = (Backend::echo().await, nobody());
    let urls = format!("{};weight=3,{away}", backend.url());
    let variables = [
        ("PRODUCT_SERVICE_URLS", urls.as_str()),
        ("PAYMENT_SERVICE_ENABLED", "false"),
        ("LOAD_BALANCER_STRATEGY", "weighted_round_robin"),
        ("HEALTH_CHECK_DOWN", "1"),
    ];
    let office = Office::open(&backend.url(), &variables).await;
    let down = || async { (office.backends().await[1].ends_with("down")).then_some(()) };
    platform_testkit::eventually(platform_testkit::PATIENCE, down).await.unwrap();
    let status = office.get("/admin/status").await;
    assert_eq!(
        (&status["name"], &status["version"]),
        (&"gateway-service".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert_eq!((&status["strategy"], &status["kept"]), (&"weighted_round_robin".into(), &false.into()));
    assert_eq!((&status["in_flight"], &status["limits"]["rate"]["enabled"]), (&0.into(), &false.into()));
    assert!(status["uptime_seconds"].is_u64() && status["started_at"].as_str().unwrap().ends_with('Z'));
    let product = &status["services"][0];
    assert_eq!((&product["backends"], &product["taking_requests"]), (&2.into(), &1.into()));
    assert!(status["configuration"]["PRODUCT_SERVICE_URLS"].as_str().unwrap().contains(&away));
    let text = status.to_string();
    assert!(!text.contains("jwks") && !text.contains("secret"), "{text}");

    let services = office.get("/admin/services").await;
    let payment =
        services["services"].as_array().unwrap().iter().find(|service| service["service"] == "payment");
    assert_eq!((&payment.unwrap()["enabled"], &payment.unwrap()["backends"]), (&false.into(), &json!([])));
    let balancer = office.get("/admin/loadbalancer/product").await;
    let [up, down] = [&balancer["backends"][0], &balancer["backends"][1]];
    assert_eq!((up["url"].as_str(), &up["weight"]), (Some(backend.url().as_str()), &3.into()));
    assert_eq!((&up["origin"], &up["breaker"]), (&"configured".into(), &"closed".into()));
    assert!(down["problem"].is_string(), "{down}");
    let breakers = office.get("/admin/circuitbreaker/product").await;
    assert_eq!((&breakers["enabled"], &breakers["breakers"][0]["state"]), (&true.into(), &"closed".into()));
    assert_eq!(breakers["breakers"][0]["trips"], 0);
    assert_eq!(
        office.get("/admin/loadbalancer/product-grpc").await["enabled"],
        false,
        "gRPC is switched off here"
    );
    assert_eq!(
        office.send(Method::GET, "/admin/loadbalancer/shop", Value::Null).await.code(),
        (404, "unknown_service")
    );
    let gone = office.send(Method::GET, "/admin/loadbalancer/product/backends/z:1", Value::Null).await;
    assert_eq!(gone.code(), (404, "unknown_backend"));
}

/// Nobody is asked who they are, so only this machine is let in.
#[tokio::test]
async fn without_authentication_the_port_is_for_this_machine() {
    let variables = [("AUTH_MODE", "off"), ("ADMIN_ENABLED", "true"), ("ADMIN_PORT", "0")];
    let gateway = Gateway::logging(&nobody(), &variables, silent()).await;
    let admin = gateway.admin();
    assert!(tokio::net::TcpStream::connect(admin).await.is_ok());
    let elsewhere = std::net::SocketAddr::from(([127, 0, 0, 2], admin.port()));
    assert!(tokio::net::TcpStream::connect(elsewhere).await.is_err());
}
