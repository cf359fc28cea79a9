//! How a user pays.

use std::{fmt, str::FromStr};

use kernel_domain::Violation;

/// The ways to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentMethod {
    /// A credit card.
    CreditCard,
    /// A debit card.
    DebitCard,
    /// `PayPal`.
    Paypal,
    /// Stripe.
    Stripe,
    /// A bank transfer.
    BankTransfer,
    /// A crypto currency.
    Crypto,
}

impl PaymentMethod {
    /// Every method.
    pub const ALL: [Self; 6] =
        [Self::CreditCard, Self::DebitCard, Self::Paypal, Self::Stripe, Self::BankTransfer, Self::Crypto];

    /// The name clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreditCard => "credit_card",
            Self::DebitCard => "debit_card",
            Self::Paypal => "paypal",
            Self::Stripe => "stripe",
            Self::BankTransfer => "bank_transfer",
            Self::Crypto => "crypto",
        }
    }
}

impl FromStr for PaymentMethod {
    type Err = Violation;

    fn from_str(name: &str) -> Result<Self, Violation> {
        Self::ALL.into_iter().find(|method| method.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Violation::new("method", "unknown_method", format!("must be one of {names}"))
        })
    }
}

impl fmt::Display for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
