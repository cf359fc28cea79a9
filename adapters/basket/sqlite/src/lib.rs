//! SQLite store of the basket context.
