//! SQLite store of the notification context.
