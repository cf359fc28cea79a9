//! The product context on SQLite: one component per port, one file per port.
//!
//! The schema is in `db/product/sqlite`; a change of it is a new migration there, a change of `schema.rs` and of the rows
//! that use it. The suites of `product_application::testing::contract` decide whether it is right.

mod product_repository;
mod queries;
mod refusal;
mod reservation_rows;
mod rows;
mod sales_ledger;
mod schema;
mod stock_repository;
#[cfg(test)]
mod tests;

use std::path::Path;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use platform_sqlite::{Database, OpenError};

pub use product_repository::{SqliteProductRepository, SqliteProductRepositoryParameters};
pub use queries::{SqliteProductQueries, SqliteProductQueriesParameters};
pub use sales_ledger::{SqliteSalesLedger, SqliteSalesLedgerParameters};
pub use stock_repository::{SqliteStockRepository, SqliteStockRepositoryParameters};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/product/sqlite");

/// Opens `product.db` in `data_dir`, made or migrated as needed.
pub async fn open(data_dir: &Path) -> Result<Database, OpenError> {
    Database::open(&data_dir.join("product.db"), "product store", MIGRATIONS).await
}
