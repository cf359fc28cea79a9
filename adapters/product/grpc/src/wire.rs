//! Messages of the wire as messages of the application, and views as messages of the wire.

use kernel_domain::{Money, Violation, Violations};
use platform_grpc::{invalid, money, number, time};
use product_application::{
    ProductFields,
    queries::ListProducts,
    views::{ProductView, ReservationView},
};
use proto::{
    google::r#type::Money as WireMoney,
    product::v1::{
        CreateProductRequest, GetProductsRequest, Product, ProductSort, ReserveStockResponse, Shortage,
        StockRejected, StockReserved, UpdateProductRequest, reserve_stock_response::Outcome,
    },
};
use tonic::Status;

pub(crate) fn new_fields(request: CreateProductRequest) -> Result<ProductFields, Status> {
    Ok(ProductFields {
        price: price(request.price.as_ref())?,
        name: request.name,
        description: request.description,
        stock_quantity: request.stock_quantity,
        category: request.category,
        image_url: request.image_url,
    })
}

pub(crate) fn changed_fields(request: UpdateProductRequest) -> Result<ProductFields, Status> {
    Ok(ProductFields {
        price: price(request.price.as_ref())?,
        name: request.name,
        description: request.description,
        stock_quantity: request.stock_quantity,
        category: request.category,
        image_url: request.image_url,
    })
}

pub(crate) fn list(request: GetProductsRequest) -> Result<ListProducts, Status> {
    let mut violations = Violations::default();
    let min_price = violations.check(money::read_optional("min_price", request.min_price.as_ref()));
    let max_price = violations.check(money::read_optional("max_price", request.max_price.as_ref()));
    let sort = violations.check(sort(request.sort));
    violations.into_result().map_err(|wrong| invalid(wrong.as_slice()))?;
    Ok(ListProducts {
        category: request.category,
        q: request.q,
        min_price: min_price.flatten(),
        max_price: max_price.flatten(),
        max_stock: request.max_stock,
        sort: sort.flatten().map(str::to_owned),
        limit: request.limit.map(i64::from),
        cursor: request.cursor,
    })
}

pub(crate) fn product(view: ProductView) -> Product {
    Product {
        id: view.id,
        name: view.name,
        description: view.description,
        price: Some(money::write(view.price)),
        stock_quantity: view.stock_quantity,
        available_quantity: view.available_quantity,
        category: view.category,
        image_url: view.image_url,
        created_at: Some(time::write(view.created_at)),
        updated_at: Some(time::write(view.updated_at)),
        version: number::write(view.version),
    }
}

pub(crate) fn reservation(view: ReservationView) -> ReserveStockResponse {
    let outcome = match view {
        ReservationView::Reserved => Outcome::Reserved(StockReserved {}),
        ReservationView::Rejected { shortages, missing } => {
            let shortages = shortages.into_iter().map(|shortage| Shortage {
                product_id: shortage.product_id,
                requested: shortage.requested,
                available: shortage.available,
            });
            Outcome::Rejected(StockRejected { shortages: shortages.collect(), missing_product_ids: missing })
        }
    };
    ReserveStockResponse { outcome: Some(outcome) }
}

fn price(price: Option<&WireMoney>) -> Result<Money, Status> {
    money::read("price", price).map_err(|wrong| invalid(&[wrong]))
}

/// The application's name of an order; `None` for its default.
fn sort(sort: i32) -> Result<Option<&'static str>, Violation> {
    let unknown = |_| Violation::new("sort", "unknown_sort", "must be one of ProductSort");
    Ok(match ProductSort::try_from(sort).map_err(unknown)? {
        ProductSort::Unspecified => None,
        ProductSort::Id => Some("id"),
        ProductSort::Name => Some("name"),
        ProductSort::PriceAsc => Some("price"),
        ProductSort::PriceDesc => Some("-price"),
        ProductSort::Newest => Some("-created_at"),
    })
}
