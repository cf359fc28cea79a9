//! The payment store on SQLite: aggregates, views and idempotency keys in one file.

mod answer;
mod keys;
mod queries;
mod repository;
mod rows;
mod schema;

use std::path::Path;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use platform_sqlite::{Database, OpenError};

pub use keys::{SqliteIdempotencyKeys, SqliteIdempotencyKeysParameters};
pub use queries::{SqlitePaymentQueries, SqlitePaymentQueriesParameters};
pub use repository::{SqlitePaymentRepository, SqlitePaymentRepositoryParameters};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/payment/sqlite");

/// Opens `payment.db` in `folder`, migrated.
pub async fn open(folder: &Path) -> Result<Database, OpenError> {
    Database::open(&folder.join("payment.db"), "payment store", MIGRATIONS).await
}

#[cfg(test)]
mod tests;
