//! What the use cases need from outside. Each trait has a fake and a contract suite in `testing/`.

use async_trait::async_trait;
use kernel_application::{CallContext, InvalidCursor, Page, PageRequest, StoreError};
use kernel_domain::{Currency, Money, MoneyError, PaymentId, ProductId, Timestamp};
use product_domain::{
    NewProduct, Product, ReservationLines, ReservationOutcome, Sale, StockChange, StockError,
};
use shaku::Interface;

use crate::{
    ProductOrder,
    views::{CategoryView, ProductView, StatsView},
};

/// Keeps products.
///
/// Every write MUST be one transaction that checks the version, writes state and recorded movements, and settles the
/// context's delivery; when it fails, nothing of it is there.
#[async_trait]
pub trait ProductRepository: Interface {
    /// The product, where there is one.
    async fn find(&self, id: ProductId) -> Result<Option<Product>, StoreError>;

    /// Gives the product a number that was never used before and keeps it.
    async fn add(&self, ctx: &CallContext, product: NewProduct) -> Result<Product, StoreError>;

    /// Keeps the changes; [`StoreError::Conflict`] where the store has another version.
    async fn save(&self, ctx: &CallContext, product: &mut Product) -> Result<(), StoreError>;

    /// Forgets the product but not its movements; [`StoreError::Conflict`] where the store has another version.
    async fn remove(&self, ctx: &CallContext, product: Product) -> Result<(), StoreError>;
}

/// Keeps reservations and moves stock.
///
/// Each operation MUST load what it needs, let the domain decide and write the decision in one transaction in which
/// nobody else changes those rows; rows are locked in product order, so that two buyers never wait for each other.
/// A refusal leaves the store and the context's delivery untouched.
#[async_trait]
pub trait StockRepository: Interface {
    /// The first answer for `payment` is kept and given again.
    async fn reserve(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        lines: ReservationLines,
        at: Timestamp,
    ) -> Result<ReservationOutcome, Failure<StockError>>;

    /// Gives back what the payment holds, and remembers that it is over where it never asked.
    async fn release(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        at: Timestamp,
    ) -> Result<(), Failure<StockError>>;

    /// Sells reserved units or takes refunded ones in.
    async fn apply(
        &self,
        ctx: &CallContext,
        change: StockChange,
        at: Timestamp,
    ) -> Result<(), Failure<StockError>>;
}

/// Keeps what was sold, per product, for reading.
#[async_trait]
pub trait SalesLedger: Interface {
    /// Adds the sale to the totals, all products or none; refused where a total would not fit.
    async fn record(&self, ctx: &CallContext, sale: Sale) -> Result<(), Failure<MoneyError>>;
}

/// Answers questions about the catalogue.
#[async_trait]
pub trait ProductQueries: Interface {
    /// The product, where there is one.
    async fn find(&self, id: ProductId) -> Result<Option<ProductView>, StoreError>;

    /// One page of the products that pass the filter. Equal keys are in id order, so that no product is lost or
    /// repeated between two pages; refused where the cursor was made for another order or by nobody.
    async fn list(
        &self,
        filter: &ProductFilter,
        order: ProductOrder,
        page: &PageRequest,
    ) -> Result<Page<ProductView>, Failure<InvalidCursor>>;

    /// All categories that have products, by name.
    async fn categories(&self) -> Result<Vec<CategoryView>, StoreError>;

    /// The figures, of one moment.
    async fn stats(&self) -> Result<StatsView, StoreError>;
}

/// What the shop has decided for all of its products.
pub trait Shop: Interface {
    /// The one currency of all prices.
    fn currency(&self) -> Currency;
}

/// Which products a list shows; `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// Exactly this category.
    pub category: Option<String>,
    /// Name or description contains this, made by [`search_key`].
    pub contains: Option<String>,
    /// Price not below.
    pub min_price: Option<Money>,
    /// Price not above.
    pub max_price: Option<Money>,
    /// At most so many units on hand.
    pub max_stock: Option<i64>,
}

/// The form of a text in which stores search and sort it: lower case in every script.
pub fn search_key(text: &str) -> String {
    text.to_lowercase()
}

/// Why a port that also keeps rules did nothing.
#[derive(Debug)]
pub enum Failure<R> {
    /// A rule forbids it.
    Refused(R),
    /// The store failed.
    Store(StoreError),
}

impl<R> From<StoreError> for Failure<R> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
