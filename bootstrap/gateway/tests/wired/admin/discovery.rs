//! Backends that are found while the gateway runs.

use std::{fs, path::Path};

use http::Method;
use platform_testkit::{PATIENCE, data_dir, eventually};
use serde_json::json;

use super::{Office, dns::NameServer};
use crate::{
    grpc::{PRODUCT, client::Client, shop::Shop},
    support::Backend,
};

fn write(path: &Path, list: &str) {
    // Another file that takes its place, as mounted configuration does.
    let new = path.with_extension("new");
    fs::write(&new, format!("[services]\nproduct = [{list}]\n")).unwrap();
    fs::rename(&new, path).unwrap();
}

async fn has(office: &Office, expected: &[String]) {
    let shown = || async {
        let backends = office.backends().await;
        let names: Vec<_> =
            backends.iter().map(|backend| backend.rsplit_once(' ').unwrap().0.to_owned()).collect();
        (names == expected).then_some(())
    };
    let seen = eventually(PATIENCE, shown).await;
    assert!(seen.is_ok(), "{:?} is not {expected:?}", office.backends().await);
}

#[tokio::test]
async fn the_file_is_followed_and_a_bad_one_refused() {
    let (first, second) = (Backend::echo().await, Backend::echo().await);
    let dir = data_dir().unwrap();
    let path = dir.path().join("backends.toml");
    write(&path, &format!("'{}'", first.url()));
    let file = path.display().to_string();
    let variables = [("DISCOVERY_FILE", file.as_str()), ("DISCOVERY_FILE_INTERVAL", "10ms")];
    let office = Office::open("http://127.0.0.1:9", &variables).await;
    // In force before the first request.
    assert_eq!(office.gateway.get("/api/products").await.status(), 200);
    let named = format!("/admin/loadbalancer/product/backends/{}", first.addr);
    assert_eq!(office.send(Method::PATCH, &named, json!({ "weight": 7 })).await.status, 200);

    write(&path, &format!("'{};weight=2', {{ url = '{}', weight = 3 }}", first.url(), second.url()));
    let both = [format!("{} 7", first.addr), format!("{} 3", second.addr)];
    has(&office, &both).await;
    write(&path, "'http://127.0.0.1:1;weight=0'");
    let refused = format!("gateway_discovery_failing{{source=\"{file}\"}} 1");
    let seen = || async { office.gateway.metrics().await.contains(&refused).then_some(()) };
    eventually(PATIENCE, seen).await.unwrap();
    has(&office, &both).await;
    fs::remove_file(&path).unwrap();
    let twice = format!("gateway_discovery_updates_total{{source=\"{file}\",outcome=\"refused\"}} 2");
    let seen = || async { office.gateway.metrics().await.contains(&twice).then_some(()) };
    eventually(PATIENCE, seen).await.unwrap();
    has(&office, &both).await;

    write(&path, &format!("'{}'", second.url()));
    has(&office, &both[1..].iter().map(|line| line.replace(" 3", " 1")).collect::<Vec<_>>()).await;
    assert_eq!(office.gateway.get("/api/products").await.status(), 200);
}

#[tokio::test]
async fn backends_of_grpc_are_found_as_well() {
    let (first, second) = (Shop::open().await, Shop::open().await);
    let dns = NameServer::of(first.addr).await;
    let servers = dns.addr.to_string();
    let dir = data_dir().unwrap();
    let path = dir.path().join("backends.toml");
    fs::write(&path, format!("[services]\nbasket-grpc = ['{}']\n", second.url())).unwrap();
    let file = path.display().to_string();
    let named = format!("dns://products.test:{};weight=4", first.addr.port());
    let variables = [
        ("GRPC_ENABLED", "true"),
        ("PRODUCT_SERVICE_GRPC_URLS", named.as_str()),
        ("DISCOVERY_DNS_SERVERS", servers.as_str()),
        ("DISCOVERY_DNS_MIN_INTERVAL", "20ms"),
        ("DISCOVERY_FILE", file.as_str()),
    ];
    let office = Office::open("http://127.0.0.1:9", &variables).await;
    let of = async |service: &str| {
        let view = office.get(&format!("/admin/loadbalancer/{service}-grpc")).await;
        view["backends"][0]["backend"].as_str().map(str::to_owned)
    };
    assert_eq!(of("basket").await, Some(second.addr.to_string()), "before the first request");
    let found = || async { (of("product").await == Some(first.addr.to_string())).then_some(()) };
    eventually(PATIENCE, found).await.unwrap();
    let client = Client::of(&office.gateway).await;
    assert_eq!(client.ask(PRODUCT, "GetProduct").await.unwrap(), first.addr.to_string());
}

#[tokio::test]
async fn names_are_found_in_dns() {
    let backend = Backend::echo().await;
    let dns = NameServer::of(backend.addr).await;
    let servers = dns.addr.to_string();
    let urls = format!("dns://products.test:{};weight=4", backend.addr.port());
    let variables = [
        ("PRODUCT_SERVICE_URLS", urls.as_str()),
        ("DISCOVERY_DNS_SERVERS", servers.as_str()),
        ("DISCOVERY_DNS_MIN_INTERVAL", "20ms"),
    ];
    let office = Office::open(&backend.url(), &variables).await;
    has(&office, &[format!("{} 4", backend.addr)]).await;
    assert_eq!(office.gateway.get("/api/products").await.status(), 200);
    // Nobody answers any more: the last answer stays.
    drop(dns);
    let failing = format!("gateway_discovery_failing{{source=\"{urls}\"}} 1");
    let seen = || async { office.gateway.metrics().await.contains(&failing).then_some(()) };
    eventually(PATIENCE, seen).await.unwrap();
    assert_eq!(office.gateway.get("/api/products").await.status(), 200);
}
