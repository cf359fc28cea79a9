//! HTTP client of the payment provider.
//!
//! [`ProviderClient`] carries calls: limits, deadlines, ids, health. [`HttpPaymentProvider`] says what to ask and what an
//! answer means, with the provider's own words in `wire`. Another provider is another crate beside this one.

mod client;
mod error;
mod provider;
mod settings;
mod wire;

pub use client::ProviderClient;
pub use error::{CallError, ProviderUrlError};
pub use provider::{HttpPaymentProvider, HttpPaymentProviderParameters};
pub use settings::ProviderSettings;
