//! Process managers: what takes several transactions and other services, step by step.
//!
//! Each step is saved before it is done and harmless to repeat, so that a crash anywhere leaves a payment
//! which [`Recovery`] brings to its end.

mod checkout;
mod recovery;
mod refund;

use chrono::TimeDelta;
use kernel_domain::PaymentId;

pub use checkout::{Checkout, CheckoutProcess};
pub use recovery::Recovery;
pub use refund::{RefundProcess, Refunds};

/// How long the recovery worker leaves a step alone after a failure.
const PAUSE: TimeDelta = TimeDelta::seconds(2);

/// The key of a payment's charge at the provider: a payment is charged once, or never.
pub(crate) fn charge_key(payment: PaymentId) -> String {
    format!("{payment}-1")
}
