//! SQLite store of the notification context, in one file of its own.
//!
//! The three ports share the table of `db/notification/sqlite`; `row.rs` is the only place that knows its columns' meaning.

mod cursor;
mod feed;
mod queries;
mod repository;
mod row;
mod schema;

use std::path::Path;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
pub use feed::{SqliteNotificationFeed, SqliteNotificationFeedParameters};
use platform_sqlite::{Database, OpenError};
pub use queries::{SqliteNotificationQueries, SqliteNotificationQueriesParameters};
pub use repository::{SqliteNotificationRepository, SqliteNotificationRepositoryParameters};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/notification/sqlite");

/// Opens `notification.db` in the data folder, making or migrating it where needed.
pub async fn open(data_dir: &Path) -> Result<Database, OpenError> {
    Database::open(&data_dir.join("notification.db"), "notification store", MIGRATIONS).await
}
