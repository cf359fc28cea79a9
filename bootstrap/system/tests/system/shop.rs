//! A shop of one's own: all services on free ports, with an empty data folder.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use platform_testkit::{PATIENCE, data_dir, eventually, free_port};
use reqwest::{
    Client, Method, StatusCode,
    header::{AUTHORIZATION, HeaderMap},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use tonic::{service::interceptor::InterceptedService, transport::Channel};

use crate::{
    home::Home,
    identity::{Bearer, Identity},
    process::Process,
};

pub(crate) const SERVICES: [&str; 6] = [
    "gateway-service",
    "notification-service",
    "payment-service",
    "basket-service",
    "product-service",
    "provider-service",
];

/// One process of a service; the first is 0.
pub(crate) type Replica = (&'static str, usize);

pub(crate) struct Shop {
    /// Sends an administrator's token unless a test says otherwise.
    pub(crate) client: Client,
    /// Which gateway requests go through.
    pub(crate) door: AtomicUsize,
    pub(crate) identity: Identity,
    ports: Ports,
    processes: Mutex<HashMap<Replica, Process>>,
    _home: Home,
    _folder: TempDir,
}

/// What generated clients are made on.
pub(crate) type Connection = InterceptedService<Channel, Bearer>;

/// HTTP and gRPC of each replica.
type Ports = HashMap<&'static str, Vec<(u16, u16)>>;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The body, where the status is the expected one.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Shop {
    /// A shop with one process of each service, all of it ready.
    pub(crate) async fn open() -> Self {
        Self::open_in(Home::new().await).await
    }

    /// The same in a home that the test keeps a hand on.
    pub(crate) async fn open_in(home: Home) -> Self {
        let shop = Self::closed(home, 1);
        shop.start_all().await;
        shop
    }

    /// A shop of which nothing runs yet.
    pub(crate) fn closed(home: Home, replicas: usize) -> Self {
        // The sandbox stays alone: it stands in for one provider.
        Self::closed_with(home, |name| if name == "provider-service" { 1 } else { replicas })
    }

    /// The same with so many processes of each service.
    pub(crate) fn closed_with(home: Home, count: impl Fn(&'static str) -> usize) -> Self {
        // Fails where another test was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (folder, identity) = (data_dir().unwrap(), Identity::new());
        let pair = || (free_port().unwrap(), free_port().unwrap());
        let ports: Ports =
            SERVICES.into_iter().map(|name| (name, (0..count(name)).map(|_| pair()).collect())).collect();
        let process = |(name, number): Replica| {
            let mut variables = environment((name, number), &ports);
            variables.extend(home.environment(name, folder.path()));
            variables.extend(identity.environment(name, folder.path()));
            let log = folder.path().join(format!("{name}-{number}.log"));
            ((name, number), Process::new(name, variables, log))
        };
        let numbers = |name: &'static str| (0..ports[name].len()).map(move |number| (name, number));
        let processes = Mutex::new(SERVICES.into_iter().flat_map(numbers).map(process).collect());
        let token = HeaderMap::from_iter([(AUTHORIZATION, identity.admin().parse().unwrap())]);
        let client =
            Client::builder().timeout(Duration::from_secs(40)).default_headers(token).build().unwrap();
        Self { client, identity, door: AtomicUsize::new(0), ports, processes, _home: home, _folder: folder }
    }

    /// Starts everything, in an order that helps nobody, and waits until all of it is ready.
    pub(crate) async fn start_all(&self) {
        for replica in self.replicas() {
            self.start_replica(replica);
        }
        self.ready().await;
    }

    /// Every process there is to be.
    pub(crate) fn replicas(&self) -> Vec<Replica> {
        let of = |name: &'static str| (0..self.ports[name].len()).map(move |number| (name, number));
        SERVICES.into_iter().flat_map(of).collect()
    }

    pub(crate) fn start(&self, name: &'static str) {
        self.start_replica((name, 0));
    }

    pub(crate) fn start_replica(&self, replica: Replica) {
        self.with(replica, Process::start);
    }

    /// `kill -9`.
    pub(crate) fn kill(&self, name: &'static str) {
        self.kill_replica((name, 0));
    }

    pub(crate) fn kill_replica(&self, replica: Replica) {
        self.with(replica, Process::kill);
    }

    /// `kill -STOP`.
    pub(crate) fn pause(&self, name: &'static str) {
        self.with((name, 0), |process| process.pause());
    }

    /// `kill -CONT`.
    pub(crate) fn resume(&self, name: &'static str) {
        self.with((name, 0), |process| process.resume());
    }

    /// A stop in good order; answers the exit code.
    pub(crate) fn terminate(&self, name: &'static str) -> Option<i32> {
        self.with((name, 0), Process::terminate)
    }

    /// What the service's program prints where a flag asks for a job.
    pub(crate) fn job(&self, name: &'static str, arguments: &[&str]) -> String {
        // Others may go on meanwhile.
        tokio::task::block_in_place(|| self.with((name, 0), |process| process.job(arguments)))
    }

    /// What all replicas of the service have logged.
    pub(crate) fn log(&self, name: &'static str) -> String {
        let numbers = 0..self.ports[name].len();
        numbers.map(|number| self.with((name, number), |process| process.log())).collect()
    }

    fn with<T>(&self, replica: Replica, work: impl FnOnce(&mut Process) -> T) -> T {
        work(self.processes.lock().unwrap().get_mut(&replica).unwrap())
    }

    /// Waits until every service says that it is ready.
    pub(crate) async fn ready(&self) {
        // The gateways come last: once all others are ready, no probe of theirs fails any more.
        for replica in self.replicas().into_iter().rev() {
            self.ready_replica(replica).await;
        }
    }

    async fn ready_replica(&self, (name, number): Replica) {
        let probe = || async {
            let url = format!("{}/health/ready", self.http_of((name, number)));
            let answer = self.client.get(url).send().await.ok()?;
            answer.status().is_success().then_some(())
        };
        let ready = eventually(PATIENCE * 2, probe).await;
        assert!(ready.is_ok(), "{name} is not ready:\n{}", self.log(name));
    }

    /// The base address of the gateway that requests go through.
    pub(crate) fn gateway(&self) -> String {
        self.http_of(("gateway-service", self.door.load(Ordering::Relaxed)))
    }

    /// The base address of a service's HTTP.
    pub(crate) fn http(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[name][0].0)
    }

    pub(crate) fn http_of(&self, (name, number): Replica) -> String {
        format!("http://127.0.0.1:{}", self.ports[name][number].0)
    }

    /// A connection to a service's gRPC, with an administrator's token on every call.
    pub(crate) async fn grpc(&self, name: &str) -> Connection {
        self.grpc_as(name, &self.identity.admin()).await
    }

    /// The same with another token.
    pub(crate) async fn grpc_as(&self, name: &str, authorization: &str) -> Connection {
        let address = format!("http://127.0.0.1:{}", self.ports[name][0].1);
        let channel = Channel::from_shared(address).unwrap().connect().await.unwrap();
        InterceptedService::new(channel, Bearer::new(authorization))
    }

    /// A request through the gateway.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.call_with(method, path, body, &[]).await
    }

    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let url = format!("{}/api{path}", self.gateway());
        self.send(method, &url, body, headers).await.unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    /// A request to any address; fails where nobody answers.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Result<Reply, reqwest::Error> {
        let mut request = self.client.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Reply { status, headers, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A new product; answers its id.
    pub(crate) async fn product(&self, price: &str, stock: u64) -> i64 {
        let body = json!({
            "name": "Kettle", "description": "Boils water", "price": price, "stock_quantity": stock, "category": "kitchen",
        });
        self.post("/products", body).await.expect(201)["id"].as_i64().unwrap()
    }

    /// `(stock, available)` of a product.
    pub(crate) async fn stock(&self, product: i64) -> (i64, i64) {
        let product = self.get(&format!("/products/{product}")).await.expect(200);
        (product["stock_quantity"].as_i64().unwrap(), product["available_quantity"].as_i64().unwrap())
    }

    /// Waits until `probe` says yes.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, mut probe: impl FnMut() -> F) {
        self.wait_for(what, || {
            let answer = probe();
            async move { answer.await.then_some(()) }
        })
        .await;
    }

    /// Waits until `probe` has something.
    pub(crate) async fn wait_for<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        probe: impl FnMut() -> F,
    ) -> T {
        eventually(PATIENCE * 2, probe).await.unwrap_or_else(|_| {
            let tail = |name| format!("--- {name}\n{}\n", tail(&self.log(name)));
            panic!("{what} did not come true\n{}", SERVICES.map(tail).concat())
        })
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// A gateway balances over all replicas; a replica asks its own number of the others.
fn environment((name, number): Replica, ports: &Ports) -> Vec<(String, String)> {
    let pick = |service: &str| ports[service].get(number).unwrap_or(&ports[service][0]);
    let http = |service: &str| format!("http://127.0.0.1:{}", pick(service).0);
    let grpc = |service: &str| format!("127.0.0.1:{}", pick(service).1);
    let all = |service: &str| {
        let urls = ports[service].iter().map(|(http, _)| format!("http://127.0.0.1:{http}"));
        urls.collect::<Vec<_>>().join(",")
    };
    let all_grpc = |service: &str| {
        let urls = ports[service].iter().map(|(_, grpc)| format!("http://127.0.0.1:{grpc}"));
        urls.collect::<Vec<_>>().join(",")
    };
    let (port, grpc_port) = ports[name][number];
    let pairs = [
        ("PORT", port.to_string()),
        ("GRPC_PORT", grpc_port.to_string()),
        ("PRODUCT_SERVICE_URL", grpc("product-service")),
        ("BASKET_SERVICE_URL", grpc("basket-service")),
        ("PROVIDER_URL", http("provider-service")),
        ("PROVIDER_CALLBACK_URL", format!("{}/provider-callbacks", http("payment-service"))),
        ("PRODUCT_SERVICE_URLS", all("product-service")),
        ("BASKET_SERVICE_URLS", all("basket-service")),
        ("PAYMENT_SERVICE_URLS", all("payment-service")),
        ("NOTIFICATION_SERVICE_URLS", all("notification-service")),
        ("PRODUCT_SERVICE_GRPC_URLS", all_grpc("product-service")),
        ("BASKET_SERVICE_GRPC_URLS", all_grpc("basket-service")),
        ("PAYMENT_SERVICE_GRPC_URLS", all_grpc("payment-service")),
        ("ADMIN_PORT", "0".to_owned()),
        // Every request of a test comes from one address.
        ("RATE_LIMIT_ENABLED", "false".to_owned()),
        // Services are killed and come back within seconds here, and clients hammer them all the while.
        ("CIRCUIT_BREAKER_TIMEOUT", "1s".to_owned()),
        ("OUTLIER_EJECTION", "1s".to_owned()),
        ("HEALTH_CHECK_INTERVAL", "250ms".to_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
