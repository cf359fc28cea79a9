//! The events' data. Money is a decimal string, ids are text but for products.

use kernel_domain::{Money, PaymentId};
use payment_domain::{PaymentItem, PaymentSnapshot, Refund, RefundId};
use serde::Serialize;

/// What every event about a payment says.
#[derive(Serialize)]
pub(crate) struct Summary {
    payment_id: String,
    user_id: String,
    basket_id: String,
    method: &'static str,
    amount: String,
    currency: String,
}

impl Summary {
    pub(crate) fn of(state: &PaymentSnapshot) -> Self {
        Self {
            payment_id: state.id.to_string(),
            user_id: state.user_id.to_string(),
            basket_id: state.basket.id.to_string(),
            method: state.method.as_str(),
            amount: state.amount.to_string(),
            currency: state.amount.currency().to_string(),
        }
    }
}

/// `payment.completed.v1`.
#[derive(Serialize)]
pub(crate) struct Completed {
    #[serde(flatten)]
    payment: Summary,
    items: Vec<Item>,
}

impl Completed {
    pub(crate) fn of(state: &PaymentSnapshot) -> Self {
        Self { payment: Summary::of(state), items: state.items.iter().map(Item::of).collect() }
    }
}

#[derive(Serialize)]
struct Item {
    product_id: i64,
    name: String,
    price: String,
    quantity: u32,
    subtotal: String,
    category: String,
}

impl Item {
    fn of(item: &PaymentItem) -> Self {
        Self {
            product_id: item.product_id().get(),
            name: item.name().to_owned(),
            price: item.price().to_string(),
            quantity: item.quantity().get(),
            subtotal: item.subtotal().to_string(),
            category: item.category().to_owned(),
        }
    }
}

/// `payment.failed.v1`.
#[derive(Serialize)]
pub(crate) struct Failed {
    #[serde(flatten)]
    pub(crate) payment: Summary,
    pub(crate) failure_code: String,
    pub(crate) reason: String,
}

/// `payment.refunded.v1`.
#[derive(Serialize)]
pub(crate) struct Refunded {
    #[serde(flatten)]
    payment: Summary,
    refund_id: String,
    refund_amount: String,
    /// What of the amount is not given back.
    remaining: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Refunded {
    /// `None` where the payment has no such refund.
    pub(crate) fn of(state: &PaymentSnapshot, id: RefundId) -> Option<Self> {
        let Refund { amount, reason, .. } = state.refunds.iter().find(|refund| refund.id == id)?;
        let remaining: Money =
            state.refunded().and_then(|refunded| state.amount.checked_sub(refunded)).ok()?;
        Some(Self {
            payment: Summary::of(state),
            refund_id: id.to_string(),
            refund_amount: amount.to_string(),
            remaining: remaining.to_string(),
            reason: reason.clone(),
        })
    }
}

/// `stock.updated.v1`.
#[derive(Serialize)]
pub(crate) struct StockUpdated {
    pub(crate) product_id: i64,
    quantity: u32,
    operation: &'static str,
    reason: &'static str,
    payment_id: String,
}

impl StockUpdated {
    pub(crate) fn of(
        payment: PaymentId,
        item: &PaymentItem,
        operation: &'static str,
        reason: &'static str,
    ) -> Self {
        Self {
            product_id: item.product_id().get(),
            quantity: item.quantity().get(),
            operation,
            reason,
            payment_id: payment.to_string(),
        }
    }
}

/// `basket.cleared.v1`.
#[derive(Serialize)]
pub(crate) struct BasketCleared {
    user_id: String,
    basket_id: String,
    /// The version that was paid: a product that came in after it stays in the basket.
    basket_version: u64,
    payment_id: String,
    lines: Vec<PaidLine>,
}

#[derive(Serialize)]
struct PaidLine {
    product_id: i64,
    quantity: u32,
}

impl BasketCleared {
    pub(crate) fn of(state: &PaymentSnapshot) -> Self {
        let line = |item: &PaymentItem| PaidLine {
            product_id: item.product_id().get(),
            quantity: item.quantity().get(),
        };
        Self {
            user_id: state.user_id.to_string(),
            basket_id: state.basket.id.to_string(),
            basket_version: state.basket.version,
            payment_id: state.id.to_string(),
            lines: state.items.iter().map(line).collect(),
        }
    }
}
