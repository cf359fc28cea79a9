//! Use cases of the basket context.
//!
//! One file per use case under [`commands`] and [`queries`]: message, handler, tests. A new one gets its file, a
//! line in its folder's `mod.rs`, a field in [`BasketUseCases`] and a line in the module of `bootstrap/basket`.

pub mod commands;
mod error;
pub mod ports;
pub mod queries;
mod retry;
mod terms;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod use_cases;
pub mod views;

pub use error::BasketError;
pub use terms::{Terms, TermsParameters};
pub use use_cases::BasketUseCases;
