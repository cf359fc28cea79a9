//! What outlasts the process.

use std::{fs, path::Path};

use http::Method;
use platform_runtime::{Configuration, Settings};
use platform_telemetry::silent;
use platform_testkit::{PATIENCE, data_dir, eventually};
use serde_json::{Value, json};

use super::Office;
use crate::support::Backend;

const BACKENDS: &str = "/admin/loadbalancer/product/backends";

/// A gateway that is gone has let its file go; in one process that may take a moment.
async fn let_go(path: &Path) {
    let lock = path.with_extension("json.lock");
    let free = || async { fs::File::open(&lock).unwrap().try_lock().is_ok().then_some(()) };
    eventually(PATIENCE, free).await.unwrap();
}

#[tokio::test]
async fn changes_are_there_after_a_restart() {
    let (first, second) = (Backend::echo().await, Backend::echo().await);
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    let file = path.display().to_string();
    let variables = [("GATEWAY_STATE_FILE", file.as_str())];
    let office = Office::open(&first.url(), &variables).await;
    office.send(Method::POST, BACKENDS, json!({ "url": second.url(), "weight": 5 })).await;
    office.send(Method::PATCH, &format!("{BACKENDS}/{}", first.addr), json!({ "draining": true })).await;
    office
        .send(Method::PATCH, "/admin/loadbalancer/basket", json!({ "strategy": "least_connections" }))
        .await;
    let breaker = format!("/admin/circuitbreaker/basket/backends/{}", first.addr);
    office.send(Method::PUT, &breaker, json!({ "state": "forced_open" })).await;
    office
        .send(Method::PUT, "/admin/limits/rate", json!({ "requests": 9, "window_ms": 1_000, "burst": 9 }))
        .await;
    let version = office.version().await;
    let backends = office.backends().await;
    office.gateway.stop().await;
    let_go(&path).await;

    let office = Office::open(&first.url(), &variables).await;
    assert_eq!((office.version().await, office.backends().await), (version, backends));
    assert_eq!(office.get("/admin/status").await["kept"], true);
    assert_eq!(office.get("/admin/loadbalancer/basket").await["strategy"], "least_connections");
    assert_eq!(office.get("/admin/circuitbreaker/basket").await["breakers"][0]["state"], "forced_open");
    assert_eq!(office.get("/admin/limits").await["rate"]["burst"], 9);
    let asked = first.connections();
    assert_eq!(office.gateway.get("/api/products").await.status(), 200);
    assert!(second.connections() > 0 && first.connections() >= asked);
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_is_not_made() {
    let backend = Backend::echo().await;
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    let file = path.display().to_string();
    let office = Office::open(&backend.url(), &[("GATEWAY_STATE_FILE", file.as_str())]).await;
    let before = (office.version().await, office.backends().await);
    // Where the new state would be written, there is a folder.
    fs::create_dir(dir.path().join("state.json.new")).unwrap();
    let refused = office.send(Method::POST, BACKENDS, json!({ "url": "http://127.0.0.1:9" })).await;
    assert_eq!(refused.code(), (503, "not_kept"));
    assert!(!refused.body.to_string().contains("state.json"), "{}", refused.body);
    assert_eq!((office.version().await, office.backends().await), before);
    assert!(office.get("/admin/audit").await["changes"].as_array().unwrap().is_empty());
    fs::remove_dir(dir.path().join("state.json.new")).unwrap();
    let made = office.send(Method::POST, BACKENDS, json!({ "url": "http://127.0.0.1:9" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
}

async fn refused_start(variables: &[(&str, &str)]) -> String {
    let usual = [("PORT", "0"), ("GRPC_ENABLED", "false"), ("ADMIN_PORT", "0"), ("AUTH_MODE", "off")];
    let mut settings = Settings::from_pairs(usual.into_iter().chain(variables.iter().copied()));
    let config = gateway_service::Config::declare(&mut settings);
    settings.finish().unwrap();
    let error = gateway_service::start(config, silent()).await.err().unwrap();
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

#[tokio::test]
async fn a_start_with_a_broken_file_says_what_to_do() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    fs::write(&path, "{\"format\": 1, \"version\"").unwrap();
    let file = path.display().to_string();
    let told = refused_start(&[("GATEWAY_STATE_FILE", &file)]).await;
    assert!(told.contains(&file) && told.contains("put a copy back, or move it away"), "{told}");
    let list = dir.path().join("backends.json");
    fs::write(&list, "{}").unwrap();
    let told = refused_start(&[("DISCOVERY_FILE", &list.display().to_string())]).await;
    assert!(told.contains("DISCOVERY_FILE") && told.contains("missing field `services`"), "{told}");
    assert!(serde_json::from_slice::<Value>(&fs::read(&path).unwrap()).is_err(), "nothing was repaired");
}
