//! The data of payment events, as far as this context reads it. Unknown fields are ignored.

use kernel_domain::{Currency, Money};
use notification_application::commands::PurchasedLine;
use platform_messaging::HandleError;
use serde::Deserialize;

/// What every payment event says.
#[derive(Deserialize)]
pub(crate) struct PaymentData {
    pub(crate) payment_id: String,
    pub(crate) user_id: String,
    pub(crate) amount: String,
    pub(crate) currency: String,
    #[serde(default)]
    pub(crate) items: Vec<ItemData>,
}

/// One line of what was bought.
#[derive(Deserialize)]
pub(crate) struct ItemData {
    name: String,
    quantity: i64,
    subtotal: String,
}

/// What `payment.failed.v1` adds.
#[derive(Deserialize)]
pub(crate) struct FailureData {
    pub(crate) failure_code: String,
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// What `payment.refunded.v1` adds.
#[derive(Deserialize)]
pub(crate) struct RefundData {
    pub(crate) refund_amount: String,
    pub(crate) remaining: String,
}

impl PaymentData {
    pub(crate) fn currency(&self) -> Result<Currency, HandleError> {
        self.currency.parse().map_err(poison)
    }
}

impl ItemData {
    pub(crate) fn line(self, currency: Currency) -> Result<PurchasedLine, HandleError> {
        let subtotal = money("items.subtotal", &self.subtotal, currency)?;
        Ok(PurchasedLine { name: self.name, quantity: self.quantity, subtotal })
    }
}

pub(crate) fn money(field: &str, decimal: &str, currency: Currency) -> Result<Money, HandleError> {
    Money::parse(decimal, currency).map_err(|error| HandleError::Poison(format!("{field}: {error}")))
}

fn poison(error: impl std::fmt::Display) -> HandleError {
    HandleError::Poison(error.to_string())
}
