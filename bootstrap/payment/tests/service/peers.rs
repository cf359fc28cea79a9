//! Basket and product services that let in services only, so that nothing works without the payment service's own token.

use std::net::TcpListener;

use kernel_application::{Denied, Permit, Role};
use kernel_domain::{Currency, Money};
use platform_grpc::{GrpcServer, ServerSettings, call_context, money, status};
use platform_identity::testing::TestIssuer;
use platform_telemetry::{Metrics, RpcMetrics, silent};
use proto::{
    basket::v1::{
        AddItemRequest, AddItemResponse, Basket, BasketItem, ClearItemsRequest, ClearItemsResponse,
        CreateBasketRequest, CreateBasketResponse, DeleteBasketRequest, DeleteBasketResponse,
        GetBasketRequest, GetBasketResponse, RemoveItemRequest, RemoveItemResponse, UpdateItemRequest,
        UpdateItemResponse,
        basket_service_server::{BasketService, BasketServiceServer},
    },
    product::v1::{
        CreateProductRequest, CreateProductResponse, DeleteProductRequest, DeleteProductResponse,
        GetProductRequest, GetProductResponse, GetProductsRequest, GetProductsResponse, Product,
        ReleaseStockRequest, ReleaseStockResponse, ReserveStockRequest, ReserveStockResponse, StockReserved,
        UpdateProductRequest, UpdateProductResponse,
        product_service_server::{ProductService, ProductServiceServer},
        reserve_stock_response::Outcome,
    },
};
use tokio::sync::{oneshot, watch};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Both services on one port, until this is dropped.
pub(crate) struct Peers {
    pub(crate) address: String,
    _stop: oneshot::Sender<()>,
    /// Without its sender a server says that it is not ready.
    _ready: watch::Sender<bool>,
}

impl Peers {
    pub(crate) async fn open(issuer: &TestIssuer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = watch::channel(true);
        GrpcServer::new(ServerSettings::default(), silent(), RpcMetrics::new(&Metrics::new()))
            .authenticator(issuer.authenticator())
            .service(BasketServiceServer::new(ForServices))
            .service(ProductServiceServer::new(ForServices))
            .start(listener, is_ready, async {
                let _ = stopped.await;
            })
            .await
            .unwrap();
        Self { address, _stop: stop, _ready: ready }
    }
}

/// Every user has a basket with one thing in it, another one whenever it is asked for.
struct ForServices;

fn admit<T>(request: &Request<T>) -> Result<(), Status> {
    Permit::Role(Role::Service)
        .admit(call_context(request).caller())
        .map_err(|denied: Denied| status(&denied))
}

fn not_asked_for<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("payments do not ask for it"))
}

#[tonic::async_trait]
impl BasketService for ForServices {
    async fn get_basket(
        &self,
        request: Request<GetBasketRequest>,
    ) -> Result<Response<GetBasketResponse>, Status> {
        admit(&request)?;
        let price = Some(money::write(Money::from_minor(1_000, Currency::USD)));
        let item = BasketItem {
            product_id: 1,
            name: "lamp".to_owned(),
            price,
            quantity: 1,
            subtotal: None,
            category: "things".to_owned(),
        };
        let id = Uuid::now_v7().to_string();
        let basket = Basket { id, version: 1, items: vec![item], ..Basket::default() };
        Ok(Response::new(GetBasketResponse { basket: Some(basket) }))
    }

    async fn create_basket(
        &self,
        _: Request<CreateBasketRequest>,
    ) -> Result<Response<CreateBasketResponse>, Status> {
        not_asked_for()
    }

    async fn delete_basket(
        &self,
        _: Request<DeleteBasketRequest>,
    ) -> Result<Response<DeleteBasketResponse>, Status> {
        not_asked_for()
    }

    async fn add_item(&self, _: Request<AddItemRequest>) -> Result<Response<AddItemResponse>, Status> {
        not_asked_for()
    }

    async fn update_item(
        &self,
        _: Request<UpdateItemRequest>,
    ) -> Result<Response<UpdateItemResponse>, Status> {
        not_asked_for()
    }

    async fn remove_item(
        &self,
        _: Request<RemoveItemRequest>,
    ) -> Result<Response<RemoveItemResponse>, Status> {
        not_asked_for()
    }

    async fn clear_items(
        &self,
        _: Request<ClearItemsRequest>,
    ) -> Result<Response<ClearItemsResponse>, Status> {
        not_asked_for()
    }
}

#[tonic::async_trait]
impl ProductService for ForServices {
    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let price = Some(money::write(Money::from_minor(1_000, Currency::USD)));
        let id = request.into_inner().id;
        let product = Product { id, price, stock_quantity: 9, available_quantity: 9, ..Product::default() };
        Ok(Response::new(GetProductResponse { product: Some(product) }))
    }

    async fn reserve_stock(
        &self,
        request: Request<ReserveStockRequest>,
    ) -> Result<Response<ReserveStockResponse>, Status> {
        admit(&request)?;
        let outcome = Some(Outcome::Reserved(StockReserved {}));
        Ok(Response::new(ReserveStockResponse { outcome }))
    }

    async fn release_stock(
        &self,
        request: Request<ReleaseStockRequest>,
    ) -> Result<Response<ReleaseStockResponse>, Status> {
        admit(&request)?;
        Ok(Response::new(ReleaseStockResponse {}))
    }

    async fn create_product(
        &self,
        _: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        not_asked_for()
    }

    async fn get_products(
        &self,
        _: Request<GetProductsRequest>,
    ) -> Result<Response<GetProductsResponse>, Status> {
        not_asked_for()
    }

    async fn update_product(
        &self,
        _: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        not_asked_for()
    }

    async fn delete_product(
        &self,
        _: Request<DeleteProductRequest>,
    ) -> Result<Response<DeleteProductResponse>, Status> {
        not_asked_for()
    }
}
