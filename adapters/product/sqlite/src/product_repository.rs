//! Keeps products.

use async_trait::async_trait;
use diesel::prelude::*;
use kernel_application::{CallContext, StoreError};
use kernel_domain::ProductId;
use platform_sqlite::Database;
use product_application::ports::ProductRepository;
use product_domain::{NewProduct, Product};
use shaku::Component;

use crate::{
    rows::{self, ProductRow},
    schema::product,
};

/// The products of one file.
#[derive(Component)]
#[shaku(interface = ProductRepository)]
pub struct SqliteProductRepository {
    /// The file.
    db: Database,
}

impl SqliteProductRepository {
    /// The products of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl ProductRepository for SqliteProductRepository {
    async fn find(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        self.db
            .read("load product", move |connection| {
                let row = product::table.find(id.get()).select(ProductRow::as_select());
                row.first(connection).optional()?.map(Product::try_from).transpose()
            })
            .await
    }

    async fn add(&self, ctx: &CallContext, product: NewProduct) -> Result<Product, StoreError> {
        self.db.write(ctx, "add product", move |tx| rows::insert(tx.conn(), product)).await
    }

    async fn save(&self, ctx: &CallContext, product: &mut Product) -> Result<(), StoreError> {
        let decided = product.clone();
        self.db.write(ctx, "save product", move |tx| rows::update(tx.conn(), &decided)).await?;
        product.saved();
        Ok(())
    }

    async fn remove(&self, ctx: &CallContext, product: Product) -> Result<(), StoreError> {
        self.db.write(ctx, "remove product", move |tx| rows::delete(tx.conn(), &product)).await
    }
}
