//! What every store of this context must do. Each suite makes a fresh store per case.
//!
//! A new promise of a port is a new case here; the fake and all real stores then prove it.

mod deliveries;
mod products;
mod queries;
mod sales;
mod stock;

use kernel_domain::{Currency, Money, PaymentId, ProductId, Quantity, Timestamp};
use product_domain::{
    Category, Description, ImageUrl, NewProduct, Price, Product, ProductDetails, ProductName,
    ReservationLines, StockQuantity,
};
use uuid::Uuid;

use super::StoreUnderTest;

pub use deliveries::deliveries;
pub use products::products;
pub use queries::queries;
pub use sales::sales;
pub use stock::stock;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_767_225_600 + seconds, 123_456_000).unwrap()
}

fn id(id: i64) -> ProductId {
    ProductId::new(id).unwrap()
}

fn units(units: i64) -> Quantity {
    Quantity::new(units).unwrap()
}

fn payment(number: u128) -> PaymentId {
    PaymentId::from_uuid(Uuid::from_u128(number))
}

fn lines(lines: &[(ProductId, i64)]) -> ReservationLines {
    ReservationLines::new(lines.iter().map(|(product, n)| (*product, units(*n)))).unwrap()
}

fn details(name: &str, minor: i64, category: &str) -> ProductDetails {
    ProductDetails {
        name: ProductName::new(name).unwrap(),
        description: Description::new(&format!("{name}: ein schönes Stück")).unwrap(),
        price: Price::new(Money::from_minor(minor, Currency::USD)).unwrap(),
        category: Category::new(category).unwrap(),
        image_url: Some(ImageUrl::new("https://example.org/a.png").unwrap()),
    }
}

fn stock_of(units: i64) -> StockQuantity {
    StockQuantity::new(units).unwrap()
}

fn new_product(name: &str, minor: i64, category: &str, stock: i64) -> NewProduct {
    NewProduct { details: details(name, minor, category), stock: stock_of(stock), at: at(0) }
}

async fn add(store: &impl StoreUnderTest, stock: i64) -> Product {
    let product = new_product("Lamp", 12_990, "home", stock);
    store.products().add(&kernel_application::testing::context(), product).await.unwrap()
}

async fn level(store: &impl StoreUnderTest, id: ProductId) -> (u32, u32) {
    let level = store.products().find(id).await.unwrap().unwrap().level();
    (level.on_hand().get(), level.reserved().get())
}

async fn assert_balanced(store: &impl StoreUnderTest) {
    for books in store.audit().await {
        assert!(books.balance(), "{books:?}");
    }
}
