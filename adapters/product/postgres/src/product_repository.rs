//! Keeps products.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_application::{CallContext, StoreError};
use kernel_domain::ProductId;
use platform_postgres::Database;
use product_application::ports::ProductRepository;
use product_domain::{NewProduct, Product};
use shaku::Component;

use crate::rows::{self, ProductRow};

/// The products of one database.
#[derive(Component)]
#[shaku(interface = ProductRepository)]
pub struct PgProductRepository {
    /// The database.
    db: Database,
}

impl PgProductRepository {
    /// The products of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl ProductRepository for PgProductRepository {
    async fn find(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        self.db
            .read("load product", async |connection| {
                let row: Option<ProductRow> = rows::find(id.get()).first(connection).await.optional()?;
                row.map(Product::try_from).transpose()
            })
            .await
    }

    async fn add(&self, ctx: &CallContext, product: NewProduct) -> Result<Product, StoreError> {
        self.db.write(ctx, "add product", async |tx| rows::insert(tx.conn(), product).await).await
    }

    async fn save(&self, ctx: &CallContext, product: &mut Product) -> Result<(), StoreError> {
        let decided = &*product;
        self.db.write(ctx, "save product", async |tx| rows::update(tx.conn(), decided).await).await?;
        product.saved();
        Ok(())
    }

    async fn remove(&self, ctx: &CallContext, product: Product) -> Result<(), StoreError> {
        self.db.write(ctx, "remove product", async |tx| rows::delete(tx.conn(), &product).await).await
    }
}
