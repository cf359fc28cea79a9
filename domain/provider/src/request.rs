//! What the merchant asks for.

use kernel_domain::{Money, Violation};

use crate::{CallbackUrl, Reference, Token};

/// A request for money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeRequest {
    amount: Money,
    /// How the customer pays, as the merchant calls it.
    pub method: String,
    /// How the charge will go.
    pub token: Token,
    /// What is paid for.
    pub reference: Reference,
    /// Where to report to.
    pub callback_url: Option<CallbackUrl>,
}

impl ChargeRequest {
    /// Checks that the amount is above nothing.
    pub fn new(
        amount: Money,
        method: String,
        token: Token,
        reference: Reference,
        callback_url: Option<CallbackUrl>,
    ) -> Result<Self, Violation> {
        if !amount.is_positive() {
            return Err(Violation::new("amount", "out_of_range", "must be above 0"));
        }
        Ok(Self { amount, method, token, reference, callback_url })
    }

    /// The amount asked for.
    pub const fn amount(&self) -> Money {
        self.amount
    }
}

#[cfg(test)]
mod tests {
    use kernel_domain::Currency;

    use super::*;

    #[test]
    fn nothing_is_charged_for_nothing() {
        for minor in [0, -1, i64::MIN] {
            let amount = Money::from_minor(minor, Currency::USD);
            let reference = Reference::new("p1").unwrap();
            assert!(ChargeRequest::new(amount, String::new(), Token::Success, reference, None).is_err());
        }
    }
}
