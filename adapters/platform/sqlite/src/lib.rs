//! SQLite plumbing: connections, write transactions that settle, outbox, inbox, idempotency keys and the event log.
//!
//! A context's SQLite adapter opens a [`Database`] with its own migrations and writes through [`Database::write`]:
//!
//! ```text
//! const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/product/sqlite");
//! let db = Database::open(&data_dir.join("product.db"), "product store", MIGRATIONS).await?;
//! db.write(ctx, "save product", move |tx| {
//!     diesel::insert_into(products::table).values(&row).execute(tx.conn())?;
//!     tx.enqueue(&message)
//! })
//! .await?;
//! ```

mod connection;
mod database;
mod health;
mod idempotency;
mod inbox;
mod log;
mod outbox;
mod purge;
mod schema;
mod time;
mod transaction;

pub use database::{Database, OpenError};
pub use health::SqliteHealth;
pub use idempotency::{IdempotencyRows, StoredBegin};
pub use inbox::SqliteInbox;
pub use log::SqliteEventLog;
pub use outbox::SqliteOutbox;
pub use time::{micros, timestamp};
pub use transaction::{Tx, WriteError};
