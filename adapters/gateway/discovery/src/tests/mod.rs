//! Names and files, from the outside: a DNS server on a free port, and somebody who takes over what is found.

mod dns;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use dns::DnsServer;
use gateway_application::{
    AdministrationError, ServiceSettings, Settings, commands::adopt_backends::AdoptBackends,
};
use gateway_domain::{
    Backend, Service,
    fleet::{Fleet, Source},
};
use kernel_application::{CallContext, CommandHandler};
use platform_telemetry::{Metrics, silent};
use platform_testkit::{PATIENCE, data_dir, eventually};
use tokio::{sync::watch, task::JoinHandle};

use super::*;

const PRODUCT: Fleet = Fleet::Http(Service::Product);
const BASKET: Fleet = Fleet::Http(Service::Basket);

const QUICK: Pace = Pace {
    file: Duration::from_millis(10),
    least: Duration::from_millis(20),
    most: Duration::from_millis(50),
};

/// Remembers what it was handed over last of each service.
#[derive(Default)]
struct Adopted(Mutex<BTreeMap<Fleet, Vec<Backend>>>);

#[async_trait]
impl CommandHandler<AdoptBackends> for Adopted {
    async fn handle(
        &self,
        _: &CallContext,
        AdoptBackends { found }: AdoptBackends,
    ) -> Result<Vec<Fleet>, AdministrationError> {
        self.0.lock().unwrap().extend(found);
        Ok(Vec::new())
    }
}

impl Adopted {
    fn of(&self, fleet: Fleet) -> Vec<String> {
        let backends = self.0.lock().unwrap().get(&fleet).cloned();
        let show = |backend: &Backend| format!("{}*{}", backend.id(), backend.weight().get());
        backends.unwrap_or_default().iter().map(show).collect()
    }

    async fn has(&self, fleet: Fleet, expected: &[&str]) {
        let shown = || async { (self.of(fleet) == expected).then_some(()) };
        let seen = eventually(PATIENCE, shown).await;
        assert!(seen.is_ok(), "{fleet} has {:?}, not {expected:?}", self.of(fleet));
    }
}

struct Running {
    adopted: Arc<Adopted>,
    metrics: Metrics,
    stop: watch::Sender<bool>,
    worker: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.send_replace(true);
        self.worker.await.unwrap();
    }
}

fn settings(product: &str) -> Settings {
    let service = |list: &str| ServiceSettings { enabled: true, backends: list.parse().unwrap() };
    Settings {
        product: service(product),
        basket: service("http://basket:1"),
        payment: service("http://payment:1"),
        notification: service("http://notification:1"),
        balancing: gateway_application::BalancingSettings::default(),
    }
}

fn open(
    product: &str,
    dns: &DnsServer,
    file: Option<&Path>,
    metrics: &Metrics,
) -> Result<Discovery, FileError> {
    let file = file.map(WatchedFile::at).transpose()?;
    let resolver = Resolver::new(&[dns.addr]).unwrap();
    let (http, grpc) = (settings(product), settings("http://grpc:1"));
    Discovery::open((&http, Some(&grpc)), file, resolver, QUICK, DiscoveryMetrics::new(metrics), silent())
}

async fn run(product: &str, dns: &DnsServer, file: Option<&Path>) -> Running {
    let metrics = Metrics::new();
    let mut discovery = open(product, dns, file, &metrics).unwrap();
    let adopted = Arc::new(Adopted::default());
    discovery.hand_over(&*adopted).await;
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(discovery.run(Arc::clone(&adopted) as _, stopped));
    Running { adopted, metrics, stop, worker }
}

async fn resolved(dns: &DnsServer, source: &str) -> Result<(Vec<String>, Duration), String> {
    let resolver = Resolver::new(&[dns.addr]).unwrap();
    let answer =
        resolver.resolve(&Source::parse(source).unwrap()).await.map_err(|error| error.to_string())?;
    let show = |backend: &Backend| format!("{}*{}", backend.id(), backend.weight().get());
    Ok((answer.backends.iter().map(show).collect(), answer.valid))
}

#[tokio::test]
async fn addresses_of_both_kinds_are_found() {
    let dns = DnsServer::start().await;
    dns.addresses("products.test", 300, &["10.0.0.2", "10.0.0.1", "fd00::1"]);
    let (backends, valid) = resolved(&dns, "dns://products.test:8080;weight=4").await.unwrap();
    assert_eq!(backends, ["10.0.0.1:8080*4", "10.0.0.2:8080*4", "[fd00::1]:8080*4"]);
    assert!(valid > Duration::from_mins(4) && valid <= Duration::from_mins(5), "{valid:?}");
    let missing = resolved(&dns, "dns://nobody.test:8080").await.unwrap_err();
    assert!(missing.contains("nobody.test"), "{missing}");
}

#[tokio::test]
async fn services_are_found_with_ports_and_weights() {
    let dns = DnsServer::start().await;
    let targets = [
        (10, 60, 8_081, "a.test."),
        (10, 0, 8_082, "b.test."),
        (10, 5_000, 8_083, "a.test."),
        (20, 1, 9_999, "spare.test."),
    ];
    dns.services("_http._tcp.products.test", 300, &targets);
    dns.addresses("a.test", 30, &["10.0.0.1", "10.0.0.2"]);
    dns.addresses("b.test", 300, &["10.0.0.3"]);
    let (backends, valid) = resolved(&dns, "srv://_http._tcp.products.test").await.unwrap();
    assert_eq!(
        backends,
        [
            "10.0.0.1:8081*60",
            "10.0.0.1:8083*1000",
            "10.0.0.2:8081*60",
            "10.0.0.2:8083*1000",
            "10.0.0.3:8082*1",
        ]
    );
    assert!(valid <= Duration::from_secs(30), "the shortest of all: {valid:?}");
    dns.services("_http._tcp.products.test", 300, &[(0, 0, 0, ".")]);
    let none = resolved(&dns, "srv://_http._tcp.products.test").await.unwrap_err();
    assert_eq!(none, "the answer names no backend");
}

#[tokio::test]
async fn what_is_found_for_tls_keeps_the_name_that_was_asked_for() {
    let dns = DnsServer::start().await;
    dns.services("_https._tcp.products.test", 300, &[(10, 60, 8_443, "a.elsewhere.test.")]);
    dns.addresses("a.elsewhere.test", 300, &["10.0.0.1"]);
    dns.addresses("products.test", 300, &["10.0.0.2", "fd00::1"]);
    for (source, expected) in [
        (
            "dns+https://products.test:443",
            &["products.test@10.0.0.2:443*1", "products.test@[fd00::1]:443*1"][..],
        ),
        (
            "dns+https://products.test:443;server_name=shop.test;weight=2",
            &["shop.test@10.0.0.2:443*2", "shop.test@[fd00::1]:443*2"],
        ),
        // Not the target's: whoever answers for DNS would choose it.
        ("srv+https://_https._tcp.products.test", &["products.test@10.0.0.1:8443*60"]),
        ("srv+https://_https._tcp.products.test;server_name=shop.test", &["shop.test@10.0.0.1:8443*60"]),
    ] {
        assert_eq!(resolved(&dns, source).await.unwrap().0, expected, "{source}");
    }
    // Two names of one machine are two backends; a name and its machine are looked up again like any other.
    dns.addresses("shop.test", 0, &["10.0.0.2"]);
    let running = run("dns+https://products.test:443,dns+https://shop.test:443", &dns, None).await;
    let adopted = &running.adopted;
    adopted
        .has(
            PRODUCT,
            &["products.test@10.0.0.2:443*1", "products.test@[fd00::1]:443*1", "shop.test@10.0.0.2:443*1"],
        )
        .await;
    dns.addresses("products.test", 0, &["10.0.0.9"]);
    adopted.has(PRODUCT, &["products.test@10.0.0.9:443*1", "shop.test@10.0.0.2:443*1"]).await;
    running.stop().await;
}

#[tokio::test]
async fn names_are_looked_up_again_and_a_failure_changes_nothing() {
    let dns = DnsServer::start().await;
    let running = run("http://a:1;weight=2,dns://products.test:80", &dns, None).await;
    let adopted = &running.adopted;
    adopted.has(PRODUCT, &["a:1*2"]).await;
    dns.addresses("products.test", 0, &["10.0.0.1"]);
    adopted.has(PRODUCT, &["a:1*2", "10.0.0.1:80*1"]).await;
    // Valid for an hour, and asked again after the longest time all the same.
    dns.addresses("products.test", 3_600, &["10.0.0.1", "10.0.0.2"]);
    adopted.has(PRODUCT, &["a:1*2", "10.0.0.1:80*1", "10.0.0.2:80*1"]).await;
    dns.addresses("products.test", 0, &[]);
    let failing = r#"gateway_discovery_failing{source="dns://products.test:80;weight=1"} 1"#;
    let seen = || async { running.metrics.encode().contains(failing).then(|| dns.asked()) };
    let asked = eventually(PATIENCE, seen).await.unwrap();
    let again = || async { (dns.asked() > asked + 4).then_some(()) };
    eventually(PATIENCE, again).await.unwrap();
    assert_eq!(adopted.of(PRODUCT).len(), 3, "the last good answer stays");
    dns.addresses("products.test", 0, &["10.0.0.9"]);
    adopted.has(PRODUCT, &["a:1*2", "10.0.0.9:80*1"]).await;
    assert!(running.metrics.encode().contains(&failing.replace("} 1", "} 0")));
    assert_eq!(adopted.of(BASKET), ["basket:1*1"]);
    running.stop().await;
}

#[tokio::test]
async fn a_name_that_hangs_holds_nobody_up() {
    let (dns, dir) = (DnsServer::start().await, data_dir().unwrap());
    let path = dir.path().join("backends.json");
    write(&path, r#""http://a:1", "dns://hangs.test:80""#);
    dns.hangs("hangs.test");
    dns.addresses("grpc.test", 0, &["10.0.0.1"]);
    let running = run("http://a:1", &dns, Some(&path)).await;
    let waits = || async { (dns.asked() > 0).then_some(()) };
    eventually(PATIENCE, waits).await.unwrap();
    let list = r#"{"services": {"product": ["http://a:1", "dns://hangs.test:80"], "basket-grpc": ["dns://grpc.test:80"]}}"#;
    fs::write(&path, list).unwrap();
    running.adopted.has(Fleet::Grpc(Service::Basket), &["10.0.0.1:80*1"]).await;
    let failed = r#"source="dns://hangs.test:80;weight=1""#;
    assert!(!running.metrics.encode().contains(failed), "it was not waited for");
    running.stop().await;
}

#[tokio::test]
async fn a_target_that_is_not_found_does_not_cost_the_others() {
    let dns = DnsServer::start().await;
    let targets = [(10, 1, 8_081, "a.test."), (10, 1, 8_082, "gone.test.")];
    dns.services("_http._tcp.products.test", 300, &targets);
    dns.addresses("a.test", 300, &["10.0.0.1"]);
    let (backends, valid) = resolved(&dns, "srv://_http._tcp.products.test").await.unwrap();
    assert_eq!(backends, ["10.0.0.1:8081*1"]);
    assert!(valid > Duration::from_mins(4), "it is certain that the other one is not there: {valid:?}");
    dns.refuses("gone.test");
    let (backends, valid) = resolved(&dns, "srv://_http._tcp.products.test").await.unwrap();
    assert_eq!((backends, valid), (vec!["10.0.0.1:8081*1".to_owned()], Duration::ZERO), "soon again");
    dns.addresses("a.test", 300, &[]);
    assert!(resolved(&dns, "srv://_http._tcp.products.test").await.is_err());
}

fn write(path: &Path, product: &str) {
    fs::write(path, format!(r#"{{"services": {{"product": [{product}]}}}}"#)).unwrap();
}

#[tokio::test]
async fn the_file_counts_before_what_is_configured() {
    let (dns, dir) = (DnsServer::start().await, data_dir().unwrap());
    let path = dir.path().join("backends.json");
    write(&path, r#""http://f:1;weight=3""#);
    dns.addresses("products.test", 0, &["10.0.0.1"]);
    let running = run("http://a:1", &dns, Some(&path)).await;
    let adopted = &running.adopted;
    adopted.has(PRODUCT, &["f:1*3"]).await;
    assert_eq!(adopted.of(BASKET), ["basket:1*1"]);
    write(&path, r#""http://f:1", "dns://products.test:80""#);
    adopted.has(PRODUCT, &["f:1*1", "10.0.0.1:80*1"]).await;

    // A name that nobody knows costs no backend that there is; the file is good, and waits for it.
    write(&path, r#""http://f:1", "dns://misspelt.test:80""#);
    let failing = r#"gateway_discovery_failing{source="dns://misspelt.test:80;weight=1"} 1"#;
    let seen = || async { running.metrics.encode().contains(failing).then_some(()) };
    eventually(PATIENCE, seen).await.unwrap();
    assert_eq!(adopted.of(PRODUCT), ["f:1*1", "10.0.0.1:80*1"]);

    write(&path, r#""http://f:1;weight=0""#);
    let refused = format!(r#"gateway_discovery_failing{{source="{}"}} 1"#, path.display());
    let seen = || async { running.metrics.encode().contains(&refused).then_some(()) };
    eventually(PATIENCE, seen).await.unwrap();
    assert_eq!(adopted.of(PRODUCT), ["f:1*1", "10.0.0.1:80*1"]);

    // No word of the service any more: then it is as configured, and its name has no figures.
    fs::write(&path, r#"{"services": {"basket": ["http://g:1"]}}"#).unwrap();
    adopted.has(PRODUCT, &["a:1*1"]).await;
    assert_eq!(adopted.of(BASKET), ["g:1*1"]);
    assert!(!running.metrics.encode().contains("products.test"), "{}", running.metrics.encode());
    running.stop().await;
}

#[tokio::test]
async fn a_file_that_is_wrong_at_the_start_is_an_error() {
    let (dns, dir) = (DnsServer::start().await, data_dir().unwrap());
    let path = dir.path().join("backends.json");
    let opened = |path: &Path| open("http://a:1", &dns, Some(path), &Metrics::new()).map(drop);
    assert!(matches!(opened(&path), Err(FileError::Read(_))));
    write(&path, r#""ftp://f""#);
    assert!(matches!(opened(&path), Err(FileError::List { service: PRODUCT, .. })));
}

#[test]
fn a_worker_is_needed_for_names_and_files_only() {
    let (fixed, named) = (settings("http://a:1"), settings("http://a:1,dns://b:1"));
    assert!(!Discovery::is_needed((&fixed, Some(&fixed)), None));
    assert!(Discovery::is_needed((&fixed, None), Some(Path::new("a.json"))));
    assert!(Discovery::is_needed((&named, None), None));
    assert!(Discovery::is_needed((&fixed, Some(&named)), None));
}
