//! The sandbox provider's ledger: charges, refunds and the test tokens that decide how a charge goes.
//!
//! A new token is a variant of [`Token`] and its line in each of that enum's tables.

mod callback;
mod charge;
mod ids;
mod refund;
mod request;
mod status;
mod token;

pub use callback::Callback;
pub use charge::{Charge, ChargeParts};
pub use ids::{CallbackUrl, ChargeId, LedgerKey, Reference, RefundId};
pub use refund::{Refund, RefundError};
pub use request::ChargeRequest;
pub use status::{ChargeStatus, FailureCode};
pub use token::{FirstAnswer, Token};
