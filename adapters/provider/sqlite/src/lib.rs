//! SQLite store of the provider context.
