//! Payments: what is paid, how a payment reaches its verdict, and what is given back.
//!
//! A new transition is a method of [`Payment`] beside the table in `status.rs`; the property test there finds a
//! transition that the table does not allow.

mod error;
mod event;
mod item;
mod method;
mod payment;
mod process;
mod refund;
mod snapshot;
mod status;
#[cfg(test)]
mod transition_tests;

pub use error::PaymentRuleError;
pub use event::PaymentEvent;
pub use item::PaymentItem;
pub use method::PaymentMethod;
pub use payment::{BasketRef, NewPayment, Payment};
pub use process::{Failure, Processing, Step};
pub use refund::{Refund, RefundId, RefundState};
pub use snapshot::PaymentSnapshot;
pub use status::PaymentStatus;
