//! SQLite store of the provider context: the ledger and the callbacks that wait, in one file.

mod callbacks;
mod charges;
mod queries;
mod rows;
mod schema;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use callbacks::{SqliteCallbackQueue, SqliteCallbackQueueParameters};
pub use charges::{SqliteChargeRepository, SqliteChargeRepositoryParameters};
pub use queries::{SqliteLedgerQueries, SqliteLedgerQueriesParameters};

/// The tables of this context, for `Database::open`.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/provider/sqlite");

/// The store's name in errors and health answers.
pub const STORE: &str = "provider ledger";
