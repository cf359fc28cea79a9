//! Bodies: what clients send and get.

use basket_application::views::{BasketItemView, BasketView};
use chrono::SecondsFormat;
use kernel_domain::Timestamp;
use platform_http::{MoneyText, whole_number};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

/// Whose basket to make.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBasket {
    /// 1 to 64 letters, digits or `._@-`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$", example = "ada")]
    pub(crate) user_id: String,
}

/// Units to add.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewItem {
    /// The product's number.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64, example = 1)]
    #[serde(deserialize_with = "whole_number")]
    pub(crate) product_id: i64,
    /// Units to add to what the basket holds.
    #[schema(minimum = 1, maximum = 1_000_000, example = 2)]
    #[serde(deserialize_with = "whole_number")]
    pub(crate) quantity: i64,
}

/// Units to have. The product is the one in the path.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemQuantity {
    /// Units afterwards; 0 takes the product out.
    #[schema(minimum = 0, maximum = 1_000_000, example = 3)]
    #[serde(deserialize_with = "whole_number")]
    pub(crate) quantity: i64,
}

/// A basket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Basket)]
pub(crate) struct BasketBody {
    #[schema(format = Uuid)]
    id: String,
    user_id: String,
    /// One line per product, by product id.
    items: Vec<BasketItemBody>,
    /// The sum of the subtotals.
    total: MoneyText,
    /// Units over all lines.
    #[schema(minimum = 0)]
    item_count: u64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// A basket that is not changed until then is gone.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Another number after each change of the content.
    #[schema(minimum = 1)]
    version: u64,
}

/// One product in a basket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BasketItem)]
pub(crate) struct BasketItemBody {
    #[schema(minimum = 1)]
    product_id: i64,
    name: String,
    /// The price of one unit when the line was last added to or changed.
    price: MoneyText,
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
    /// Price times quantity.
    subtotal: MoneyText,
    category: String,
}

impl From<BasketView> for BasketBody {
    fn from(view: BasketView) -> Self {
        Self {
            id: view.id.to_string(),
            user_id: view.user_id.to_string(),
            items: view.items.into_iter().map(BasketItemBody::from).collect(),
            total: view.total.into(),
            item_count: view.item_count,
            created_at: rfc3339(view.created_at),
            updated_at: rfc3339(view.updated_at),
            expires_at: rfc3339(view.expires_at),
            version: view.version,
        }
    }
}

impl From<BasketItemView> for BasketItemBody {
    fn from(view: BasketItemView) -> Self {
        Self {
            product_id: view.product_id.get(),
            name: view.name,
            price: view.price.into(),
            quantity: view.quantity,
            subtotal: view.subtotal.into(),
            category: view.category,
        }
    }
}

fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
