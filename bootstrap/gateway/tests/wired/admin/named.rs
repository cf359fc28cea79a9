//! Backends whose address is found in DNS, or given, and whose certificate is for a name.

use http::Method;
use platform_testkit::{PATIENCE, eventually};
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{Office, dns::NameServer};
use crate::{
    certificates::Authority,
    grpc::{PRODUCT, client::Client, shop::Shop},
    support::Gateway,
    tls::encrypted_backend,
};

const REFUSED: &str = "not valid for name";

/// A gateway's variables besides its lists.
struct Trust {
    authorities: String,
    servers: String,
}

impl Trust {
    fn new(authority: &Authority, names: &NameServer) -> Self {
        Self { authorities: authority.file(), servers: names.addr.to_string() }
    }

    fn variables(&self) -> [(&str, &str); 3] {
        [
            ("UPSTREAM_TLS_CA_FILE", &self.authorities),
            ("DISCOVERY_DNS_SERVERS", &self.servers),
            ("DISCOVERY_DNS_MIN_INTERVAL", "20ms"),
        ]
    }
}

#[tokio::test]
async fn what_is_found_by_name_is_asked_and_probed_under_that_name() {
    let authority = Authority::new();
    let certificate = authority.issue_for("backend", &["products.test"]);
    let (addr, _tls) = encrypted_backend(Authority::server(&certificate, None)).await;
    let names = NameServer::of(addr).await;
    let trust = Trust::new(&authority, &names);
    let port = addr.port();
    for url in [
        format!("dns+https://products.test:{port}"),
        "srv+https://_https._tcp.products.test".to_owned(),
        format!("dns+https://other.test:{port};server_name=products.test"),
    ] {
        let gateway = Gateway::before(&url, &trust.variables()).await;
        gateway.ready().await;
        let (status, seen) = gateway.get_json("/api/products").await;
        assert_eq!((status, &seen["server_name"]), (200, &"products.test".into()), "{url}");
        assert_eq!(seen["host"], format!("products.test:{port}"));
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let certificate = authority.issue_for("backend", &["products.test", "localhost"]);
    let (addr, _tls) = encrypted_backend(Authority::server(&certificate, None)).await;
    let names = NameServer::of(addr).await;
    let trust = Trust::new(&authority, &names);
    let port = addr.port();
    for url in [
        format!("dns+https://other.test:{port}"),
        "srv+https://_https._tcp.other.test".to_owned(),
        format!("dns+https://products.test:{port};server_name=other.test"),
        format!("https://localhost:{port};server_name=other.test"),
    ] {
        let gateway = Gateway::before(&url, &trust.variables()).await;
        let told = || async {
            let (status, problem) = gateway.get_json("/health/ready").await;
            (status == 503 && problem.to_string().contains(REFUSED)).then_some(())
        };
        assert!(eventually(PATIENCE, told).await.is_ok(), "its probes say so: {url}");
        let (status, problem) = gateway.get_json("/api/products").await;
        assert_eq!((status, &problem["code"]), (502, &"backend_unreachable".into()), "{url}");
    }
}

#[tokio::test]
async fn two_names_of_one_machine_do_not_share_connections() {
    let authority = Authority::new();
    let certificate = authority.issue_for("backend", &["products.test", "baskets.test"]);
    let (addr, _tls) = encrypted_backend(Authority::server(&certificate, None)).await;
    let names = NameServer::of(addr).await;
    let trust = Trust::new(&authority, &names);
    let url = |name: &str| format!("dns+https://{name}.test:{}", addr.port());
    let baskets = url("baskets");
    let mut variables = trust.variables().to_vec();
    variables.push(("BASKET_SERVICE_URLS", &baskets));
    let gateway = Gateway::before(&url("products"), &variables).await;
    gateway.ready().await;
    for _ in 0..3 {
        for (target, name) in [("/api/products", "products.test"), ("/api/baskets/ada", "baskets.test")] {
            let (status, seen) = gateway.get_json(target).await;
            assert_eq!((status, &seen["server_name"]), (200, &name.into()));
            assert_eq!(seen["host"], format!("{name}:{}", addr.port()));
        }
    }
}

/// The first backend, once `is_it` holds for it.
async fn backend(office: &Office, service: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/admin/loadbalancer/{service}");
    let shown = || async {
        let backend = office.get(&path).await["backends"][0].clone();
        is_it(&backend).then_some(backend)
    };
    let seen = eventually(PATIENCE, shown).await;
    assert!(seen.is_ok(), "{}", office.get(&path).await);
    seen.unwrap()
}

/// Whether the gateway says that the product service can be called: a backend of it was found ready.
async fn serves(gateway: &Gateway) -> bool {
    let channel = Channel::from_shared(format!("http://{}", gateway.grpc())).unwrap();
    let mut health = HealthClient::new(channel.connect().await.unwrap());
    let asked = health.check(HealthCheckRequest { service: PRODUCT.to_owned() }).await.unwrap();
    asked.into_inner().status() == ServingStatus::Serving
}

#[tokio::test]
async fn calls_go_to_a_name_as_well() {
    let authority = Authority::new();
    let certificate = authority.issue_for("shop", &["products.test"]);
    let shop = Shop::encrypted(Authority::server(&certificate, None)).await;
    let names = NameServer::of(shop.addr).await;
    let trust = Trust::new(&authority, &names);
    let open = async |url: &str| {
        let own = [("GRPC_ENABLED", "true"), ("AUTH_MODE", "off"), ("PRODUCT_SERVICE_GRPC_URLS", url)];
        Office::open("http://127.0.0.1:9", &[&trust.variables()[..], &own].concat()).await
    };
    let office = open("srv+https://_grpc._tcp.products.test").await;
    let id = format!("products.test@{}", shop.addr);
    let found = backend(&office, "product-grpc", |backend| backend["backend"] == id.as_str()).await;
    assert_eq!(found["server_name"], "products.test");
    let asked = || async { serves(&office.gateway).await.then_some(()) };
    assert!(eventually(PATIENCE, asked).await.is_ok(), "its probes find it ready");
    let client = Client::of(&office.gateway).await;
    assert_eq!(client.ask(PRODUCT, "GetProduct").await.unwrap(), shop.addr.to_string());
    let host = client.ask(PRODUCT, "Authority").await.unwrap();
    assert_eq!(host, format!("products.test:{}", shop.addr.port()));

    let office = open(&format!("dns+https://other.test:{}", shop.addr.port())).await;
    let refused = |backend: &Value| backend["problem"].as_str().is_some_and(|told| told.contains(REFUSED));
    backend(&office, "product-grpc", refused).await;
    assert!(!serves(&office.gateway).await);
    let client = Client::of(&office.gateway).await;
    let status = client.ask(PRODUCT, "GetProduct").await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn operators_say_whom_a_certificate_is_for() {
    let authority = Authority::new();
    let certificate = authority.issue_for("backend", &["products.test"]);
    let (addr, _tls) = encrypted_backend(Authority::server(&certificate, None)).await;
    let trusted = authority.file();
    let office = Office::open("http://127.0.0.1:9", &[("UPSTREAM_TLS_CA_FILE", &trusted)]).await;
    let url = format!("https://{addr}");
    let backends = "/admin/loadbalancer/product/backends";
    for (url, name) in [(url.as_str(), "10.0.0.7"), ("http://127.0.0.1:1", "products.test")] {
        let refused = office.send(Method::POST, backends, json!({ "url": url, "server_name": name })).await;
        assert_eq!(refused.code(), (422, "validation_failed"));
        assert!(refused.body.to_string().contains("server_name"), "{}", refused.body);
    }
    let new = json!({ "url": url, "server_name": "Products.test" });
    let added = office.send(Method::POST, backends, new).await;
    let path = format!("{backends}/products.test@{addr}");
    assert_eq!((added.status, added.header("location")), (201, path.as_str()), "{}", added.body);
    assert_eq!((&added.body["url"], &added.body["server_name"]), (&url.into(), &"products.test".into()));
    let gone = office.send(Method::DELETE, &format!("{backends}/127.0.0.1:9"), Value::Null).await;
    assert_eq!(gone.status, 204);
    assert_eq!(office.gateway.get_json("/api/products").await.1["server_name"], "products.test");
    let changed = office.send(Method::PATCH, &path, json!({ "draining": true })).await;
    assert_eq!((changed.status, &changed.body["draining"]), (200, &true.into()));
    assert_eq!(
        office.get("/admin/audit").await["changes"][0]["target"],
        format!("product products.test@{addr}")
    );
}
