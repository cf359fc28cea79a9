//! One unit of work per operation of the ports, for benches: every store is measured by the very same.
//!
//! The ports of a [`Load`] lead to a store with products 1 to `rows`. Each operation takes a number that is spread over
//! all there are and never comes twice, and picks a product by it.

use std::{sync::Arc, time::Duration};

use kernel_application::{
    BoxError, IdGenerator, PageRequest,
    testing::{SequenceIds, context},
};
use kernel_domain::{Money, PaymentId, ProductId, Quantity};
use product_domain::{Price, ReservationLines, ReservationOutcome};

use crate::{
    ProductOrder,
    ports::{Failure, ProductFilter, ProductQueries, ProductRepository, StockRepository},
};

/// What a client sees of a page.
const PAGE: i64 = 20;

/// The ports of a filled store.
pub struct Load {
    products: Arc<dyn ProductRepository>,
    stock: Arc<dyn StockRepository>,
    queries: Arc<dyn ProductQueries>,
    ids: SequenceIds,
    rows: u32,
}

impl Load {
    /// Works on products 1 to `rows`.
    pub fn new(
        products: Arc<dyn ProductRepository>,
        stock: Arc<dyn StockRepository>,
        queries: Arc<dyn ProductQueries>,
        rows: u32,
    ) -> Self {
        Self { products, stock, queries, ids: SequenceIds::default(), rows }
    }

    /// Shows one product.
    pub async fn find(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let id = self.product(chance)?;
        self.queries.find(id).await?.map(drop).ok_or_else(|| format!("product {id} is gone").into())
    }

    /// Loads one product and saves it with another price.
    pub async fn update_price(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let id = self.product(chance)?;
        let mut product = self.products.find(id).await?.ok_or_else(|| format!("product {id} is gone"))?;
        let mut details = product.details().clone();
        let minor = 1 + i64::try_from((chance >> 32) % 100_000)?;
        details.price = Price::new(Money::from_minor(minor, details.price.amount().currency()))?;
        let (stock, later) = (product.level().on_hand(), product.updated_at() + Duration::from_millis(1));
        product.revise(details, stock, later)?;
        Ok(self.products.save(&context(), &mut product).await?)
    }

    /// Reserves one unit for a payment and gives it back.
    pub async fn reserve_and_release(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let product = self.product(chance)?;
        let payment = PaymentId::from_uuid(self.ids.next());
        let lines = ReservationLines::new([(product, Quantity::new(1)?)])?;
        let (ctx, at) = (context(), kernel_domain::Timestamp::UNIX_EPOCH);
        let outcome = self.stock.reserve(&ctx, payment, lines, at).await.map_err(told)?;
        if outcome != ReservationOutcome::Reserved {
            return Err(format!("product {product} has no unit left").into());
        }
        self.stock.release(&ctx, payment, at).await.map_err(told)
    }

    /// Shows the page after `cursor`.
    pub async fn list(self: Arc<Self>, order: ProductOrder, cursor: Option<String>) -> Result<(), BoxError> {
        let request = PageRequest::new(Some(PAGE), cursor)?;
        let page = self.queries.list(&ProductFilter::default(), order, &request).await.map_err(told)?;
        if page.items.is_empty() { Err("the page is empty".into()) } else { Ok(()) }
    }

    /// The cursor that a client has who has read half of all products, got the same way.
    pub async fn middle(&self, order: ProductOrder) -> Result<Option<String>, BoxError> {
        let mut cursor = None;
        for _ in 0..self.rows / 2 / PageRequest::MAX_LIMIT {
            let request = PageRequest::new(Some(PageRequest::MAX_LIMIT.into()), cursor)?;
            let page = self.queries.list(&ProductFilter::default(), order, &request).await.map_err(told)?;
            cursor = page.next_cursor;
        }
        Ok(cursor)
    }

    fn product(&self, chance: u64) -> Result<ProductId, BoxError> {
        Ok(ProductId::new(1 + i64::try_from(chance % u64::from(self.rows))?)?)
    }
}

fn told<R: std::fmt::Debug>(failure: Failure<R>) -> BoxError {
    match failure {
        Failure::Store(error) => error.into(),
        Failure::Refused(rule) => format!("{rule:?}").into(),
    }
}
