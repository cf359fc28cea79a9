//! Answers questions about the catalogue from SQL, without loading aggregates.

pub(crate) mod list;
mod row_order;
pub(crate) mod stats;

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{dsl::auto_type, prelude::*};
use diesel_async::RunQueryDsl;
use kernel_application::{InvalidCursor, Page, PageRequest, StoreError};
use kernel_domain::ProductId;
use platform_postgres::Database;
use product_application::{
    ProductCursor, ProductOrder,
    ports::{Failure, ProductFilter, ProductQueries, Shop},
    views::{CategoryView, ProductView, StatsView},
};
use shaku::Component;

use crate::{
    rows::{self, ProductRow},
    schema::product_category,
};

/// The reading side of one database.
#[derive(Component)]
#[shaku(interface = ProductQueries)]
pub struct PgProductQueries {
    #[shaku(inject)]
    shop: Arc<dyn Shop>,
    /// The database.
    db: Database,
}

impl PgProductQueries {
    /// The reading side of `db`; totals are in the currency of `shop`.
    pub const fn new(db: Database, shop: Arc<dyn Shop>) -> Self {
        Self { shop, db }
    }
}

#[async_trait]
impl ProductQueries for PgProductQueries {
    async fn find(&self, id: ProductId) -> Result<Option<ProductView>, StoreError> {
        self.db
            .read("show product", async |connection| {
                let row: Option<ProductRow> = rows::find(id.get()).first(connection).await.optional()?;
                row.map(ProductView::try_from).transpose()
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
        let rows = self
            .db
            .read("list products", async |connection| {
                let rows: Vec<ProductRow> = list::page(filter, order, after, limit)?.load(connection).await?;
                rows.into_iter().map(ProductView::try_from).collect()
            })
            .await?;
        Ok(Page::from_rows(rows, limit, |last| ProductCursor::of(last, order).encode(order)))
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, StoreError> {
        let counts = self
            .db
            .read("list categories", async |connection| categories().load::<(String, i64)>(connection).await)
            .await?;
        let view = |(name, product_count)| CategoryView { name, product_count };
        Ok(counts.into_iter().map(view).collect())
    }

    async fn stats(&self) -> Result<StatsView, StoreError> {
        let currency = self.shop.currency();
        self.db.read("count products", async |connection| stats::load(connection, currency).await).await
    }
}

#[auto_type(no_type_alias)]
pub(crate) fn categories() -> _ {
    product_category::table.order(product_category::name)
}
