//! The product context on PostgreSQL: one component per port, one file per port.
//!
//! The schema is in `db/product/postgres`; a change of it is a new migration there, a change of `schema.rs` and of the
//! rows that use it. The suites of `product_application::testing::contract` decide whether it is right, and
//! `tests/plans.rs` whether each query has its index.

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

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use platform_postgres::{Database, OpenError, PgConfig};
use slog::Logger;

pub use product_repository::{PgProductRepository, PgProductRepositoryParameters};
pub use queries::{PgProductQueries, PgProductQueriesParameters};
pub use sales_ledger::{PgSalesLedger, PgSalesLedgerParameters};
pub use stock_repository::{PgStockRepository, PgStockRepositoryParameters};

/// The schema of this context, to be run after that of the messaging tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/product/postgres");

/// The context's database. It connects when it is used; [`Database::keep_migrating`] makes the schema.
pub fn database(config: &PgConfig, logger: Logger) -> Result<Database, OpenError> {
    Database::new(config, "product store", MIGRATIONS, logger)
}
