use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use kernel_application::{TraceContext, UseCaseError};
use kernel_domain::Currency;
use platform_grpc::{
    ClientMetrics, GrpcServer, PeerSettings, RunningServer, ServerSettings, call_context, money, status,
};
use platform_telemetry::{Metrics, RpcMetrics, silent};
use proto::product::v1::{
    CreateProductRequest, CreateProductResponse, DeleteProductRequest, DeleteProductResponse,
    GetProductResponse, GetProductsRequest, GetProductsResponse, ReleaseStockRequest, ReleaseStockResponse,
    ReserveStockRequest, ReserveStockResponse, UpdateProductRequest, UpdateProductResponse,
    product_service_server::{ProductService, ProductServiceServer},
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("told to fail")]
struct Told(ErrorClass);

impl UseCaseError for Told {
    fn class(&self) -> ErrorClass {
        self.0
    }

    fn code(&self) -> &'static str {
        "told"
    }
}

/// Does as the id tells it; the name of a product is the call's request id.
struct Scripted;

#[tonic::async_trait]
impl ProductService for Scripted {
    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let name = call_context(&request).request_id().to_owned();
        let price = money::write(kernel_domain::Money::from_minor(1_999, Currency::USD));
        let product = |available_quantity| Product {
            id: 1,
            name,
            price: Some(price),
            stock_quantity: 9,
            available_quantity,
            category: "things".to_owned(),
            ..Product::default()
        };
        match request.into_inner().id {
            1 => Ok(Response::new(GetProductResponse { product: Some(product(7)) })),
            2 => Err(status(&Told(ErrorClass::NotFound))),
            3 => Err(status(&Told(ErrorClass::Unavailable))),
            4 => Err(status(&Told(ErrorClass::Internal))),
            5 => Ok(Response::new(GetProductResponse { product: None })),
            6 => Ok(Response::new(GetProductResponse { product: Some(product(-1)) })),
            8 => Err(status(&Told(ErrorClass::Unauthenticated))),
            9 => Err(status(&Told(ErrorClass::Forbidden))),
            _ => std::future::pending().await,
        }
    }

    async fn create_product(
        &self,
        _: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_products(
        &self,
        _: Request<GetProductsRequest>,
    ) -> Result<Response<GetProductsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn update_product(
        &self,
        _: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn delete_product(
        &self,
        _: Request<DeleteProductRequest>,
    ) -> Result<Response<DeleteProductResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn reserve_stock(
        &self,
        _: Request<ReserveStockRequest>,
    ) -> Result<Response<ReserveStockResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn release_stock(
        &self,
        _: Request<ReleaseStockRequest>,
    ) -> Result<Response<ReleaseStockResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

async fn serve() -> RunningServer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    GrpcServer::new(ServerSettings::default(), silent(), RpcMetrics::new(&Metrics::new()))
        .service(ProductServiceServer::new(Scripted))
        .start(listener, watch::channel(true).1, std::future::pending())
        .await
        .unwrap()
}

fn catalog(address: &str) -> GrpcProductCatalog {
    let settings = PeerSettings { call_timeout: Duration::from_millis(300), ..PeerSettings::default() };
    let metrics = ClientMetrics::new(&Metrics::new());
    GrpcProductCatalog::new(Arc::new(
        Peer::new("product-service", address, settings, &silent(), metrics).unwrap(),
    ))
}

fn context() -> CallContext {
    let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    CallContext::new("req-7", trace)
}

async fn ask(catalog: &GrpcProductCatalog, id: i64) -> Result<Option<CatalogProduct>, CatalogError> {
    catalog.product(&context(), ProductId::new(id).unwrap()).await
}

#[tokio::test]
async fn a_product_is_read_exactly_and_absence_is_no_error() {
    let server = serve().await;
    let catalog = catalog(&server.local_addr().to_string());
    let product = ask(&catalog, 1).await.unwrap().unwrap();
    assert_eq!(
        (product.name.as_str(), product.price.minor(), product.available_quantity),
        ("req-7", 1_999, 7)
    );
    assert_eq!(ask(&catalog, 2).await.unwrap(), None);
}

#[tokio::test]
async fn failures_are_never_absence() {
    let server = serve().await;
    let catalog = catalog(&server.local_addr().to_string());
    for (id, code) in [
        (3, "product_service_unavailable"),
        (4, "internal"),
        (5, "internal"),
        (6, "internal"),
        (7, "product_service_unavailable"),
        (8, "product_service_unavailable"),
        (9, "product_service_unavailable"),
    ] {
        assert_eq!(ask(&catalog, id).await.unwrap_err().code(), code, "{id}");
    }
}

#[tokio::test]
async fn the_callers_own_deadline_is_a_time_out() {
    let server = serve().await;
    let catalog = catalog(&server.local_addr().to_string());
    let ctx = context().with_deadline(Instant::now() + Duration::from_millis(20));
    let error = catalog.product(&ctx, ProductId::new(7).unwrap()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = ask(&catalog(&address), 1).await.unwrap_err();
    assert_eq!(error.code(), "product_service_unavailable");
}
