//! Answers questions about the catalogue from SQL, without loading aggregates.

mod list;
mod stats;

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{dsl::count_star, prelude::*};
use kernel_application::{InvalidCursor, Page, PageRequest, StoreError};
use kernel_domain::ProductId;
use platform_sqlite::Database;
use product_application::{
    ProductCursor, ProductOrder,
    ports::{Failure, ProductFilter, ProductQueries, Shop},
    views::{CategoryView, ProductView, StatsView},
};
use shaku::Component;

use crate::{rows::ProductRow, schema::product};

/// The reading side of one file.
#[derive(Component)]
#[shaku(interface = ProductQueries)]
pub struct SqliteProductQueries {
    #[shaku(inject)]
    shop: Arc<dyn Shop>,
    /// The file.
    db: Database,
}

impl SqliteProductQueries {
    /// The reading side of `db`; totals are in the currency of `shop`.
    pub const fn new(db: Database, shop: Arc<dyn Shop>) -> Self {
        Self { shop, db }
    }
}

#[async_trait]
impl ProductQueries for SqliteProductQueries {
    async fn find(&self, id: ProductId) -> Result<Option<ProductView>, StoreError> {
        self.db
            .read("show product", move |connection| {
                let row = product::table.find(id.get()).select(ProductRow::as_select());
                row.first(connection).optional()?.map(ProductView::try_from).transpose()
            })
            .await
    }

    async fn list(
        &self,
        filter: &ProductFilter,
        order: ProductOrder,
        page: &PageRequest,
    ) -> Result<Page<ProductView>, Failure<InvalidCursor>> {
        let after = page.cursor().map(|text| ProductCursor::decode(text, order)).transpose();
        let after = after.map_err(Failure::Refused)?;
        let (filter, limit) = (filter.clone(), page.limit());
        let list = move |connection: &mut _| list::page(connection, filter, order, after, limit);
        let rows = self.db.read("list products", list).await?;
        Ok(Page::from_rows(rows, limit, |last| ProductCursor::of(last, order).encode(order)))
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, StoreError> {
        self.db
            .read("list categories", |connection| {
                let counts = product::table
                    .group_by(product::category)
                    .select((product::category, count_star()))
                    .order(product::category)
                    .load::<(String, i64)>(connection)?;
                let view = |(name, product_count)| CategoryView { name, product_count };
                Ok(counts.into_iter().map(view).collect())
            })
            .await
    }

    async fn stats(&self) -> Result<StatsView, StoreError> {
        let currency = self.shop.currency();
        self.db.read("count products", move |connection| stats::load(connection, currency)).await
    }
}
