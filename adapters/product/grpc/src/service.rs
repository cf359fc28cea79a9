//! Each method: wire to message, handler, view to wire.

use platform_grpc::{call_context, number, status};
use product_application::{
    ProductUseCases,
    commands::{CreateProduct, DeleteProduct, ReleaseStock, ReserveStock, StockLine, UpdateProduct},
    queries::GetProduct,
};
use proto::product::v1::{
    CreateProductRequest, CreateProductResponse, DeleteProductRequest, DeleteProductResponse,
    GetProductRequest, GetProductResponse, GetProductsRequest, GetProductsResponse, ReleaseStockRequest,
    ReleaseStockResponse, ReserveStockRequest, ReserveStockResponse, UpdateProductRequest,
    UpdateProductResponse, product_service_server::ProductService,
};
use tonic::{Request, Response, Status};

use crate::wire;

/// Implements the generated service.
pub struct ProductGrpc {
    use_cases: ProductUseCases,
}

impl ProductGrpc {
    /// The service over `use_cases`.
    pub const fn new(use_cases: ProductUseCases) -> Self {
        Self { use_cases }
    }
}

#[tonic::async_trait]
impl ProductService for ProductGrpc {
    async fn create_product(
        &self,
        request: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        let ctx = call_context(&request);
        let command = CreateProduct { fields: wire::new_fields(request.into_inner())? };
        let view =
            self.use_cases.create_product.handle(&ctx, command).await.map_err(|error| status(&error))?;
        Ok(Response::new(CreateProductResponse { product: Some(wire::product(view)) }))
    }

    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let ctx = call_context(&request);
        let query = GetProduct { id: request.into_inner().id };
        let view = self.use_cases.get_product.handle(&ctx, query).await.map_err(|error| status(&error))?;
        Ok(Response::new(GetProductResponse { product: Some(wire::product(view)) }))
    }

    async fn get_products(
        &self,
        request: Request<GetProductsRequest>,
    ) -> Result<Response<GetProductsResponse>, Status> {
        let ctx = call_context(&request);
        let query = wire::list(request.into_inner())?;
        let page = self.use_cases.list_products.handle(&ctx, query).await.map_err(|error| status(&error))?;
        let page = page.map(wire::product);
        Ok(Response::new(GetProductsResponse { products: page.items, next_cursor: page.next_cursor }))
    }

    async fn update_product(
        &self,
        request: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        let ctx = call_context(&request);
        let request = request.into_inner();
        let (id, version) = (request.id, request.expected_version);
        let read = |version| number::read("expected_version", version);
        let expected_version =
            version.map(read).transpose().map_err(|wrong| platform_grpc::invalid(&[wrong]))?;
        let command = UpdateProduct { id, expected_version, fields: wire::changed_fields(request)? };
        let view =
            self.use_cases.update_product.handle(&ctx, command).await.map_err(|error| status(&error))?;
        Ok(Response::new(UpdateProductResponse { product: Some(wire::product(view)) }))
    }

    async fn delete_product(
        &self,
        request: Request<DeleteProductRequest>,
    ) -> Result<Response<DeleteProductResponse>, Status> {
        let ctx = call_context(&request);
        let command = DeleteProduct { id: request.into_inner().id };
        self.use_cases.delete_product.handle(&ctx, command).await.map_err(|error| status(&error))?;
        Ok(Response::new(DeleteProductResponse {}))
    }

    async fn reserve_stock(
        &self,
        request: Request<ReserveStockRequest>,
    ) -> Result<Response<ReserveStockResponse>, Status> {
        let ctx = call_context(&request);
        let ReserveStockRequest { payment_id, lines } = request.into_inner();
        let line = |line: proto::product::v1::StockLine| StockLine {
            product_id: line.product_id,
            quantity: line.quantity,
        };
        let command = ReserveStock { payment_id, lines: lines.into_iter().map(line).collect() };
        let view =
            self.use_cases.reserve_stock.handle(&ctx, command).await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::reservation(view)))
    }

    async fn release_stock(
        &self,
        request: Request<ReleaseStockRequest>,
    ) -> Result<Response<ReleaseStockResponse>, Status> {
        let ctx = call_context(&request);
        let command = ReleaseStock { payment_id: request.into_inner().payment_id };
        self.use_cases.release_stock.handle(&ctx, command).await.map_err(|error| status(&error))?;
        Ok(Response::new(ReleaseStockResponse {}))
    }
}
