//! What callers see of a basket.

use basket_domain::{Basket, Line};
use kernel_domain::{BasketId, Money, ProductId, Timestamp, UserId};

/// A basket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasketView {
    /// The id.
    pub id: BasketId,
    /// Whose it is.
    pub user_id: UserId,
    /// The lines, by product id.
    pub items: Vec<BasketItemView>,
    /// The sum of the subtotals.
    pub total: Money,
    /// Units over all lines.
    pub item_count: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it expires unless it changes before.
    pub expires_at: Timestamp,
    /// Another number after each change of the content.
    pub version: u64,
}

/// One product in a basket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasketItemView {
    /// The product.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// The price of one unit when it was put in or last changed.
    pub price: Money,
    /// Units.
    pub quantity: u32,
    /// Price times quantity.
    pub subtotal: Money,
    /// Its category.
    pub category: String,
}

impl From<&Basket> for BasketView {
    fn from(basket: &Basket) -> Self {
        Self {
            id: basket.id(),
            user_id: basket.user().clone(),
            items: basket.lines().map(BasketItemView::from).collect(),
            total: basket.total(),
            item_count: basket.item_count(),
            created_at: basket.created_at(),
            updated_at: basket.updated_at(),
            expires_at: basket.expires_at(),
            version: basket.version().get(),
        }
    }
}

impl From<&Line> for BasketItemView {
    fn from(line: &Line) -> Self {
        let state = line.state();
        Self {
            product_id: state.product,
            name: state.name.clone(),
            price: state.price,
            quantity: state.quantity.get(),
            subtotal: line.subtotal(),
            category: state.category.clone(),
        }
    }
}
