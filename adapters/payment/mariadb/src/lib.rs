//! The payment store on MariaDB: aggregates, views, figures and idempotency keys in one database.
//!
//! The queries that have to find their rows by an index are built in `statements`, and a test asks the server how it
//! runs each of them; a new one belongs there and in `tests/plans.rs`.

mod answer;
mod figures;
mod keys;
mod queries;
mod repository;
mod rows;
mod save;
mod schema;
mod statements;
#[cfg(test)]
mod tests;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use platform_mariadb::{Database, MariaDbConfig, OpenError};
use slog::Logger;

pub use keys::{MariaDbIdempotencyKeys, MariaDbIdempotencyKeysParameters};
pub use queries::{MariaDbPaymentQueries, MariaDbPaymentQueriesParameters};
pub use repository::{MariaDbPaymentRepository, MariaDbPaymentRepositoryParameters};

/// The context's tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/payment/mariadb");

/// The context's database; nothing connects before it is needed, and the caller sees to its migrations.
pub fn database(config: &MariaDbConfig, logger: Logger) -> Result<Database, OpenError> {
    Database::new(config, "payment store", MIGRATIONS, logger)
}
