//! Use cases of the product context: the catalogue, its stock, and what was sold.
//!
//! One file per use case: `commands/` change, `queries/` ask. A new one is a file with its message, handler and tests, a
//! field of [`ProductUseCases`], and a route or method in the inbound adapters. What it needs from outside is a trait in
//! `ports.rs`, with a fake and a contract suite in `testing/`.

pub mod commands;
mod cursor;
mod error;
mod fields;
mod order;
pub mod ports;
pub mod queries;
mod shop;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod use_cases;
pub mod views;

pub use cursor::{CursorKey, ProductCursor};
pub use error::ProductError;
pub use fields::ProductFields;
pub use order::{ProductOrder, SortKey};
pub use product_domain::StockOperation;
pub use shop::{ShopSettings, ShopSettingsParameters};
pub use use_cases::ProductUseCases;
