//! Answers kept under idempotency keys, as JSON.

use std::collections::BTreeMap;

use kernel_application::{BoxError, StoreError};
use kernel_domain::{Currency, Money, Timestamp};
use payment_application::{PaymentAnswer, PaymentItemView, PaymentView};
use serde::{Deserialize, Serialize};

use crate::rows::unreadable;

pub(crate) fn encode(answer: &PaymentAnswer) -> Result<Vec<u8>, StoreError> {
    let stored = match answer {
        PaymentAnswer::Payment(view) => Stored::Payment(Box::new(StoredPayment::from(&**view))),
        PaymentAnswer::Rejected { reason, detail } => {
            Stored::Rejected { reason: reason.as_str().to_owned(), detail: detail.clone() }
        }
    };
    serde_json::to_vec(&stored).map_err(unreadable)
}

pub(crate) fn decode(answer: &[u8]) -> Result<PaymentAnswer, StoreError> {
    match serde_json::from_slice(answer).map_err(unreadable)? {
        Stored::Payment(payment) => {
            Ok(PaymentAnswer::Payment(Box::new(PaymentView::try_from(*payment).map_err(unreadable)?)))
        }
        Stored::Rejected { reason, detail } => Ok(PaymentAnswer::Rejected {
            reason: reason.parse().map_err(|reason: String| unreadable(reason))?,
            detail,
        }),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stored {
    Payment(Box<StoredPayment>),
    Rejected { reason: String, detail: String },
}

/// Times in microseconds, money in minor units.
#[derive(Serialize, Deserialize)]
struct StoredPayment {
    id: String,
    user_id: String,
    basket_id: String,
    amount: i64,
    refunded: i64,
    currency: String,
    status: String,
    method: String,
    provider: Option<String>,
    provider_id: Option<String>,
    description: Option<String>,
    metadata: BTreeMap<String, String>,
    items: Vec<StoredItem>,
    failure_code: Option<String>,
    created_at: i64,
    updated_at: i64,
    processed_at: Option<i64>,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredItem {
    product_id: i64,
    name: String,
    price: i64,
    quantity: u32,
    subtotal: i64,
    category: String,
}

impl From<&PaymentView> for StoredPayment {
    fn from(view: &PaymentView) -> Self {
        let view = view.clone();
        let item = |item: PaymentItemView| StoredItem {
            product_id: item.product_id,
            name: item.name,
            price: item.price.minor(),
            quantity: item.quantity,
            subtotal: item.subtotal.minor(),
            category: item.category,
        };
        Self {
            id: view.id,
            user_id: view.user_id,
            basket_id: view.basket_id,
            amount: view.amount.minor(),
            refunded: view.refunded_amount.minor(),
            currency: view.amount.currency().to_string(),
            status: view.status.to_string(),
            method: view.method.to_string(),
            provider: view.provider,
            provider_id: view.provider_id,
            description: view.description,
            metadata: view.metadata,
            items: view.items.into_iter().map(item).collect(),
            failure_code: view.failure_code,
            created_at: view.created_at.timestamp_micros(),
            updated_at: view.updated_at.timestamp_micros(),
            processed_at: view.processed_at.map(|at| at.timestamp_micros()),
            expires_at: view.expires_at.timestamp_micros(),
        }
    }
}

impl TryFrom<StoredPayment> for PaymentView {
    type Error = BoxError;

    fn try_from(stored: StoredPayment) -> Result<Self, BoxError> {
        let currency: Currency = stored.currency.parse()?;
        let money = |minor| Money::from_minor(minor, currency);
        let item = |item: StoredItem| PaymentItemView {
            product_id: item.product_id,
            name: item.name,
            price: money(item.price),
            quantity: item.quantity,
            subtotal: money(item.subtotal),
            category: item.category,
        };
        Ok(Self {
            id: stored.id,
            user_id: stored.user_id,
            basket_id: stored.basket_id,
            amount: money(stored.amount),
            refunded_amount: money(stored.refunded),
            // Only answers with nothing under way are kept.
            refund_pending: false,
            status: stored.status.parse()?,
            method: stored.method.parse()?,
            provider: stored.provider,
            provider_id: stored.provider_id,
            description: stored.description,
            metadata: stored.metadata,
            items: stored.items.into_iter().map(item).collect(),
            failure_code: stored.failure_code,
            created_at: timestamp(stored.created_at)?,
            updated_at: timestamp(stored.updated_at)?,
            processed_at: stored.processed_at.map(timestamp).transpose()?,
            expires_at: timestamp(stored.expires_at)?,
        })
    }
}

fn timestamp(micros: i64) -> Result<Timestamp, BoxError> {
    Timestamp::from_timestamp_micros(micros).ok_or_else(|| "an instant out of range".into())
}
