//! `basket.cleared.v1`: a payment is completed, what it paid leaves the basket.

use basket_application::commands::{PaidItem, RemovePaidItems};
use serde::Deserialize;

/// The type's name.
pub(crate) const BASKET_CLEARED: &str = "basket.cleared.v1";

/// The event's data.
#[derive(Debug, Deserialize)]
pub(crate) struct BasketCleared {
    user_id: String,
    basket_id: String,
    #[serde(default)]
    basket_version: Option<u64>,
    payment_id: String,
    lines: Vec<PaidLine>,
}

#[derive(Debug, Deserialize)]
struct PaidLine {
    product_id: i64,
    quantity: i64,
}

impl From<BasketCleared> for RemovePaidItems {
    fn from(event: BasketCleared) -> Self {
        let item = |line: PaidLine| PaidItem { product_id: line.product_id, quantity: line.quantity };
        Self {
            user_id: event.user_id,
            basket_id: event.basket_id,
            basket_version: event.basket_version,
            payment_id: event.payment_id,
            lines: event.lines.into_iter().map(item).collect(),
        }
    }
}
