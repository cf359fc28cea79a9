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

/// The payment that a charge's key is for; `None` for keys that are none of ours.
pub fn payment_of_charge(key: &str) -> Option<PaymentId> {
    PaymentId::parse(key.strip_suffix("-1")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charges_key_leads_back_to_its_payment() {
        let payment = PaymentId::from_uuid(uuid::Uuid::from_u128(7));
        assert_eq!(payment_of_charge(&charge_key(payment)), Some(payment));
        for foreign in ["", "-1", "7-1", &payment.to_string(), &format!("{payment}-2")] {
            assert_eq!(payment_of_charge(foreign), None, "{foreign}");
        }
    }
}
