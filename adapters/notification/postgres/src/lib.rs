//! PostgreSQL store of the notification context, in a database of its own that all replicas share.
//!
//! The three ports share the table of `db/notification/postgres`; `row.rs` is the only place that knows its columns'
//! meaning. Each query is made by a function of its own: `tests/plans.rs` asks the server how it would run them, and a
//! new one belongs there, too.

mod cursor;
mod feed;
mod queries;
mod repository;
mod row;
mod schema;
#[cfg(test)]
mod tests;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
pub use feed::{PgNotificationFeed, PgNotificationFeedParameters};
use platform_postgres::{Database, OpenError, PgConfig};
pub use queries::{PgNotificationQueries, PgNotificationQueriesParameters};
pub use repository::{PgNotificationRepository, PgNotificationRepositoryParameters};
use slog::Logger;

/// The schema of this context.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/notification/postgres");

/// The context's database. Nothing is connected or migrated yet.
pub fn database(config: &PgConfig, logger: Logger) -> Result<Database, OpenError> {
    Database::new(config, "notification store", MIGRATIONS, logger)
}
