//! PostgreSQL plumbing: connections, write transactions that settle, outbox and inbox.
//!
//! A context's PostgreSQL adapter makes a [`Database`] with its own migrations and writes through [`Database::write`]:
//!
//! ```text
//! const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/product/postgres");
//! let db = Database::new(&config, "product store", MIGRATIONS, logger)?;
//! db.write(ctx, "save product", async |tx| {
//!     diesel::insert_into(product::table).values(&row).execute(tx.conn()).await?;
//!     tx.enqueue(&message).await
//! })
//! .await?;
//! ```
//!
//! Nothing connects before it is needed, so a service starts while its server is down. The worker
//! [`Database::keep_migrating`] prepares the schema as soon as it can; until then every operation answers that the store
//! is unavailable, and [`PgHealth`] says why.

mod async_func;
mod config;
mod connect;
mod database;
mod error;
mod health;
mod inbox;
mod migrate;
mod outbox;
mod pool;
mod prepared;
mod purge;
mod schema;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod time;
mod tls;
mod transaction;
mod uuid;

pub use async_func::AsyncFunc;
pub use config::{PgConfig, SslMode};
pub use connect::ConnectError;
pub use database::Database;
pub use error::{OpenError, WriteError};
pub use health::PgHealth;
pub use inbox::PgInbox;
pub use migrate::MigrateError;
pub use outbox::PgOutbox;
pub use prepared::Prepared;
pub use transaction::Tx;
pub use uuid::PgUuid;
