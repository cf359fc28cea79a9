//! Use cases of the provider sandbox: charge, refund, look up, read the ledger, call back.
//!
//! Misbehaviour on request is part of the answers: a handler says how long the answer is to be held back, or that it
//! is to be lost, and the inbound adapter does so.
//!
//! Every message lets [`Anyone`](kernel_application::Permit::Anyone) in: the sandbox stands in for a company outside of
//! the shop, which knows nothing of the shop's users and their tokens, and it is run where nobody but its merchant and the
//! tests reach it.

pub mod commands;
mod error;
mod ports;
pub mod queries;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod views;

pub use error::ProviderError;
pub use ports::{CallbackQueue, CallbackSender, ChargeRepository, LedgerQueries, QueuedCallback};
pub use views::{ChargeView, EntryView, LedgerView, RefundView, TotalView};
