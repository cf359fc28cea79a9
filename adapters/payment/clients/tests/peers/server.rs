//! Basket and product services that do as ids tell them.

use std::{net::TcpListener, sync::Arc, time::Duration};

use kernel_application::{ErrorClass, UseCaseError};
use kernel_domain::{Currency, Money};
use platform_grpc::{
    ClientMetrics, GrpcServer, Peer, PeerSettings, ServerSettings, call_context, money, status,
};
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
        ReleaseStockRequest, ReleaseStockResponse, ReserveStockRequest, ReserveStockResponse, Shortage,
        StockRejected, StockReserved, UpdateProductRequest, UpdateProductResponse,
        product_service_server::{ProductService, ProductServiceServer},
        reserve_stock_response::Outcome,
    },
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

pub(crate) const BASKET: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

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

fn told(class: ErrorClass) -> Status {
    status(&Told(class))
}

/// A peer called `name` in front of a server with both services.
pub(crate) async fn peer(name: &'static str) -> Arc<Peer> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (ready, is_ready) = watch::channel(true);
    let forever = async move {
        // Health follows the sender, and says no once it is gone.
        let _ready = ready;
        std::future::pending::<()>().await;
    };
    let server = GrpcServer::new(ServerSettings::default(), silent(), RpcMetrics::new(&Metrics::new()))
        .service(BasketServiceServer::new(Scripted))
        .service(ProductServiceServer::new(Scripted))
        .start(listener, is_ready, forever)
        .await
        .unwrap();
    peer_at(name, &server.local_addr().to_string())
}

/// A peer where nobody listens.
pub(crate) fn nobody(name: &'static str) -> Arc<Peer> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    peer_at(name, &address)
}

fn peer_at(name: &'static str, address: &str) -> Arc<Peer> {
    let settings = PeerSettings { call_timeout: Duration::from_millis(500), ..PeerSettings::default() };
    let metrics = ClientMetrics::new(&Metrics::new());
    Arc::new(Peer::new(name, address, settings, &silent(), metrics).unwrap())
}

struct Scripted;

#[tonic::async_trait]
impl BasketService for Scripted {
    async fn get_basket(
        &self,
        request: Request<GetBasketRequest>,
    ) -> Result<Response<GetBasketResponse>, Status> {
        let name = call_context(&request).request_id().to_owned();
        let price = Some(money::write(Money::from_minor(1_999, Currency::USD)));
        let item = |quantity| BasketItem {
            product_id: 7,
            name,
            price,
            quantity,
            subtotal: None,
            category: "things".to_owned(),
        };
        let basket = |items| Basket { id: BASKET.to_owned(), version: 4, items, ..Basket::default() };
        let basket = match request.into_inner().user_id.as_str() {
            "ada" => Some(basket(vec![item(2)])),
            "empty" => Some(basket(vec![])),
            "nonsense" => Some(basket(vec![item(-1)])),
            "nothing" => None,
            "nobody" => return Err(told(ErrorClass::NotFound)),
            "broken" => return Err(told(ErrorClass::Internal)),
            _ => std::future::pending().await,
        };
        Ok(Response::new(GetBasketResponse { basket }))
    }

    async fn create_basket(
        &self,
        _: Request<CreateBasketRequest>,
    ) -> Result<Response<CreateBasketResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn delete_basket(
        &self,
        _: Request<DeleteBasketRequest>,
    ) -> Result<Response<DeleteBasketResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn add_item(&self, _: Request<AddItemRequest>) -> Result<Response<AddItemResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn update_item(
        &self,
        _: Request<UpdateItemRequest>,
    ) -> Result<Response<UpdateItemResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn remove_item(
        &self,
        _: Request<RemoveItemRequest>,
    ) -> Result<Response<RemoveItemResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn clear_items(
        &self,
        _: Request<ClearItemsRequest>,
    ) -> Result<Response<ClearItemsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl ProductService for Scripted {
    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let price = Some(money::write(Money::from_minor(1_999, Currency::USD)));
        let product = match request.into_inner().id {
            1 => {
                Some(Product { id: 1, price, stock_quantity: 9, available_quantity: 7, ..Product::default() })
            }
            2 => return Err(told(ErrorClass::NotFound)),
            3 => return Err(told(ErrorClass::Internal)),
            4 => None,
            _ => Some(Product::default()),
        };
        Ok(Response::new(GetProductResponse { product }))
    }

    /// Answers by the first product; reserves only what a test expects to be asked for.
    async fn reserve_stock(
        &self,
        request: Request<ReserveStockRequest>,
    ) -> Result<Response<ReserveStockResponse>, Status> {
        let request = request.into_inner();
        let lines: Vec<_> = request.lines.iter().map(|line| (line.product_id, line.quantity)).collect();
        let rejected = |short: &[i64], missing: &[i64]| {
            let shortage = |id: &i64| Shortage { product_id: *id, requested: 2, available: 1 };
            let shortages = short.iter().map(shortage).collect();
            Outcome::Rejected(StockRejected { shortages, missing_product_ids: missing.to_vec() })
        };
        let outcome = match lines[..] {
            [(1, 3), (2, 1)] => Some(Outcome::Reserved(StockReserved {})),
            [(3, _)] => Some(rejected(&[3, 5], &[9])),
            [(4, _)] => None,
            [(5, _)] => Some(rejected(&[0], &[])),
            _ => return Err(told(ErrorClass::Conflict)),
        };
        Ok(Response::new(ReserveStockResponse { outcome }))
    }

    async fn release_stock(
        &self,
        request: Request<ReleaseStockRequest>,
    ) -> Result<Response<ReleaseStockResponse>, Status> {
        if request.into_inner().payment_id == BASKET {
            return Ok(Response::new(ReleaseStockResponse {}));
        }
        Err(told(ErrorClass::Internal))
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
}
