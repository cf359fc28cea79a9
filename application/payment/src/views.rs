//! Payments as readers see them.

use std::collections::BTreeMap;

use kernel_domain::{Money, MoneyError, Timestamp};
use payment_domain::{Payment, PaymentItem, PaymentMethod, PaymentStatus, Refund};

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentView {
    /// UUIDv7.
    pub id: String,
    /// Who pays.
    pub user_id: String,
    /// For which basket.
    pub basket_id: String,
    /// How much.
    pub amount: Money,
    /// How much of it was given back.
    pub refunded_amount: Money,
    /// Whether a refund was asked for that the provider has not yet answered.
    pub refund_pending: bool,
    /// The status.
    pub status: PaymentStatus,
    /// How it is paid.
    pub method: PaymentMethod,
    /// Through whom.
    pub provider: Option<String>,
    /// The charge's id at the provider.
    pub provider_id: Option<String>,
    /// The user's note.
    pub description: Option<String>,
    /// The client's own data.
    pub metadata: BTreeMap<String, String>,
    /// What is paid for.
    pub items: Vec<PaymentItemView>,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it reached its verdict.
    pub processed_at: Option<Timestamp>,
    /// Until when the quote is honoured.
    pub expires_at: Timestamp,
}

/// A line of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentItemView {
    /// The product.
    pub product_id: i64,
    /// Its name.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// The units.
    pub quantity: u32,
    /// The price of all units.
    pub subtotal: Money,
    /// The product's category.
    pub category: String,
}

/// Figures over all payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentStats {
    /// Payments by status, each status once.
    pub by_status: Vec<StatusCount>,
    /// The sum of all captured payments, refunded ones included.
    pub captured: Money,
    /// The sum of all refunds.
    pub refunded: Money,
}

/// How many payments have a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusCount {
    /// The status.
    pub status: PaymentStatus,
    /// The number of payments.
    pub count: u64,
}

impl TryFrom<&Payment> for PaymentView {
    type Error = MoneyError;

    fn try_from(payment: &Payment) -> Result<Self, MoneyError> {
        let state = payment.snapshot();
        Ok(Self {
            id: state.id.to_string(),
            user_id: state.user_id.to_string(),
            basket_id: state.basket.id.to_string(),
            amount: state.amount,
            refunded_amount: state.refunded()?,
            refund_pending: state.refunds.iter().any(Refund::is_awaited),
            status: state.status,
            method: state.method,
            provider: state.provider.clone(),
            provider_id: state.provider_id.clone(),
            description: state.description.clone(),
            metadata: state.metadata.clone(),
            items: state.items.iter().map(PaymentItemView::from).collect(),
            failure_code: state.failure.as_ref().map(|failure| failure.code.clone()),
            created_at: state.created_at,
            updated_at: state.updated_at,
            processed_at: state.processed_at,
            expires_at: state.expires_at,
        })
    }
}

impl From<&PaymentItem> for PaymentItemView {
    fn from(item: &PaymentItem) -> Self {
        Self {
            product_id: item.product_id().get(),
            name: item.name().to_owned(),
            price: item.price(),
            quantity: item.quantity().get(),
            subtotal: item.subtotal(),
            category: item.category().to_owned(),
        }
    }
}
