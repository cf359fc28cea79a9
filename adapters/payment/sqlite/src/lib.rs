//! SQLite store of the payment context.
