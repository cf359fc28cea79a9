//! MariaDB plumbing: connections, write transactions that settle, outbox, inbox and idempotency keys.
//!
//! A context's MariaDB adapter makes a [`Database`] with its own migrations and writes through [`Database::write`]:
//!
//! ```text
//! const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/payment/mariadb");
//! let db = Database::new(&config, "payment store", MIGRATIONS, logger)?;
//! db.write(ctx, "save payment", async |tx| {
//!     diesel::insert_into(payments::table).values(&row).execute(tx.conn()).await?;
//!     tx.enqueue(&message).await
//! })
//! .await?;
//! ```
//!
//! A statement that Diesel would prepare anew each time is wrapped in [`Prepared`], and one that is all there is to write goes
//! through [`Database::write_alone`].
//!
//! Nothing connects before it is needed, so a service starts while its server is down. The worker
//! [`Database::keep_migrating`] prepares the schema as soon as it can; until then every operation answers that the store
//! is unavailable, and [`MariaDbHealth`] says why.

mod async_func;
mod config;
mod connect;
mod database;
mod error;
mod health;
mod idempotency;
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
mod transaction;

pub use async_func::AsyncFunc;
pub use config::{MariaDbConfig, SslMode};
pub use database::Database;
pub use error::{OpenError, WriteError};
pub use health::MariaDbHealth;
pub use idempotency::{IdempotencyRows, StoredBegin};
pub use inbox::MariaDbInbox;
pub use migrate::MigrateError;
pub use outbox::MariaDbOutbox;
pub use prepared::{Prepared, filled_up, rows_at_a_time};
pub use time::{FromNow, datetime, timestamp};
pub use transaction::Tx;
