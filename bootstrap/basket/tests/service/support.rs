//! The service under test and the product service beside it.

use std::{
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use basket_service::{Config, start};
use kernel_application::{ErrorClass, Permit, Role, UseCaseError};
use kernel_domain::{Currency, Money};
use platform_grpc::{GrpcServer, ServerSettings, call_context, money, status};
use platform_identity::{Authenticator, testing::TestIssuer};
use platform_runtime::{Configuration, Launched, Outcome, Settings};
use platform_telemetry::{Metrics, RpcMetrics, silent};
use platform_testkit::{PATIENCE, eventually};
use proto::product::v1::{
    CreateProductRequest, CreateProductResponse, DeleteProductRequest, DeleteProductResponse,
    GetProductRequest, GetProductResponse, GetProductsRequest, GetProductsResponse, Product,
    ReleaseStockRequest, ReleaseStockResponse, ReserveStockRequest, ReserveStockResponse,
    UpdateProductRequest, UpdateProductResponse,
    product_service_server::{ProductService, ProductServiceServer},
};
use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tonic::{Request, Response, Status};

/// What the basket service calls itself.
pub(crate) const ACCOUNT: &str = "basket-service";

/// The basket service on free ports.
pub(crate) struct Service {
    launched: Launched,
}

impl Service {
    /// Everybody may do everything.
    pub(crate) async fn start(data_dir: &Path, product: &str) -> Self {
        Self::started(data_dir, product, &[("AUTH_MODE", "off".to_owned())]).await
    }

    /// The same, but it wants tokens of `issuer`, and has one of its own.
    pub(crate) async fn guarded(data_dir: &Path, product: &str, issuer: &TestIssuer) -> Self {
        let identity = issuer.caller_environment(data_dir, ACCOUNT).unwrap();
        let service = Self::started(data_dir, product, &identity).await;
        service.until_ready().await;
        service
    }

    async fn started(data_dir: &Path, product: &str, identity: &[(&'static str, String)]) -> Self {
        let pairs = [
            ("PORT", "0"),
            ("GRPC_PORT", "0"),
            ("STORAGE", "embedded"),
            ("EVENTS", "embedded"),
            ("DATA_DIR", data_dir.to_str().unwrap()),
            ("PRODUCT_SERVICE_URL", product),
            ("SHUTDOWN_TIMEOUT", "10s"),
        ];
        let identity = identity.iter().map(|(name, value)| (*name, value.as_str()));
        let mut settings = Settings::from_pairs(pairs.into_iter().chain(identity));
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let running = start(config, silent()).await.unwrap();
        Self { launched: running.launch(silent(), Duration::from_secs(10)) }
    }

    /// Starts and waits until the service is ready.
    pub(crate) async fn ready(data_dir: &Path, product: &str) -> Self {
        let service = Self::start(data_dir, product).await;
        service.until_ready().await;
        service
    }

    pub(crate) async fn until_ready(&self) {
        let probe = || async { (self.get("/health/ready").await.0 == 200).then_some(()) };
        eventually(PATIENCE, probe).await.unwrap();
    }

    pub(crate) async fn stop(self) {
        assert_eq!(self.launched.stop().await, Outcome::Clean);
    }

    pub(crate) fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.launched.addr("grpc").unwrap().port())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.launched.addr("http").unwrap().port())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("PUT", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.send("DELETE", path, None).await
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let answer = self.ask(method, path, None, body).await;
        (answer.status, answer.body)
    }

    /// Sends a request of the caller whom `authorization` proves.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        authorization: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        run(request, body).await
    }
}

/// What a request was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `WWW-Authenticate`.
    pub(crate) challenge: Option<String>,
    pub(crate) body: Value,
}

async fn run(request: ureq::http::request::Builder, body: Option<Value>) -> Answer {
    let work = move || {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut response = match body {
            Some(body) => {
                let request =
                    request.header("content-type", "application/json").body(body.to_string()).unwrap();
                agent.run(request).unwrap()
            }
            None => agent.run(request.body(()).unwrap()).unwrap(),
        };
        let text = response.body_mut().read_to_string().unwrap();
        let challenge = response.headers().get("www-authenticate");
        Answer {
            status: response.status().as_u16(),
            challenge: challenge.map(|value| value.to_str().unwrap().to_owned()),
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A product service with product 1 (19.99) and product 2 (1.00); `available` units of each.
pub(crate) struct Products {
    address: String,
    available: Arc<AtomicI64>,
    stop: oneshot::Sender<()>,
    /// Without its sender a server says that it is not ready.
    _ready: watch::Sender<bool>,
}

impl Products {
    pub(crate) async fn open(available: i64) -> Self {
        Self::open_on(TcpListener::bind("127.0.0.1:0").unwrap(), available).await
    }

    /// The same, but only for services with a token of `issuer`.
    pub(crate) async fn guarded(available: i64, issuer: &TestIssuer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::open_for(issuer.authenticator(), listener, available).await
    }

    pub(crate) async fn open_on(listener: TcpListener, available: i64) -> Self {
        Self::open_for(Authenticator::off(), listener, available).await
    }

    async fn open_for(authenticator: Authenticator, listener: TcpListener, available: i64) -> Self {
        let address = listener.local_addr().unwrap().to_string();
        let available = Arc::new(AtomicI64::new(available));
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = watch::channel(true);
        GrpcServer::new(ServerSettings::default(), silent(), RpcMetrics::new(&Metrics::new()))
            .authenticator(authenticator)
            .service(ProductServiceServer::new(Catalog(Arc::clone(&available))))
            .start(listener, is_ready, async {
                let _ = stopped.await;
            })
            .await
            .unwrap();
        Self { address, available, stop, _ready: ready }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn set_available(&self, units: i64) {
        self.available.store(units, Ordering::SeqCst);
    }

    pub(crate) fn close(self) {
        drop(self.stop);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no such product")]
struct NoSuchProduct;

impl UseCaseError for NoSuchProduct {
    fn class(&self) -> ErrorClass {
        ErrorClass::NotFound
    }

    fn code(&self) -> &'static str {
        "product_not_found"
    }
}

struct Catalog(Arc<AtomicI64>);

#[tonic::async_trait]
impl ProductService for Catalog {
    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        // Stricter than the real one, which shows products to everybody: that is how the test sees the token.
        let ctx = call_context(&request);
        Permit::Role(Role::Service).admit(ctx.caller()).map_err(|denied| status(&denied))?;
        let id = request.into_inner().id;
        let minor = match id {
            1 => 1_999,
            2 => 100,
            _ => return Err(status(&NoSuchProduct)),
        };
        let available = self.0.load(Ordering::SeqCst);
        let product = Product {
            id,
            name: format!("Product {id}"),
            price: Some(money::write(Money::from_minor(minor, Currency::USD))),
            stock_quantity: available,
            available_quantity: available,
            category: "things".to_owned(),
            ..Product::default()
        };
        Ok(Response::new(GetProductResponse { product: Some(product) }))
    }

    async fn create_product(
        &self,
        _: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        Err(status(&NoSuchProduct))
    }

    async fn get_products(
        &self,
        _: Request<GetProductsRequest>,
    ) -> Result<Response<GetProductsResponse>, Status> {
        Err(status(&NoSuchProduct))
    }

    async fn update_product(
        &self,
        _: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        Err(status(&NoSuchProduct))
    }

    async fn delete_product(
        &self,
        _: Request<DeleteProductRequest>,
    ) -> Result<Response<DeleteProductResponse>, Status> {
        Err(status(&NoSuchProduct))
    }

    async fn reserve_stock(
        &self,
        _: Request<ReserveStockRequest>,
    ) -> Result<Response<ReserveStockResponse>, Status> {
        Err(status(&NoSuchProduct))
    }

    async fn release_stock(
        &self,
        _: Request<ReleaseStockRequest>,
    ) -> Result<Response<ReleaseStockResponse>, Status> {
        Err(status(&NoSuchProduct))
    }
}
