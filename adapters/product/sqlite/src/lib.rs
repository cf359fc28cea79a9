//! SQLite store of the product context.
