//! SQLite store of the basket context.
//!
//! The tables are in `db/basket/sqlite`; a change of them is a new migration there and a change of `schema`.

mod queries;
mod repository;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

pub use queries::{SqliteBasketQueries, SqliteBasketQueriesParameters};
pub use repository::{SqliteBasketRepository, SqliteBasketRepositoryParameters};

/// The schema of this store, for `Database::open`.
pub const MIGRATIONS: diesel_migrations::EmbeddedMigrations =
    diesel_migrations::embed_migrations!("../../../db/basket/sqlite");
