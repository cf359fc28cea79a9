//! Views as the wire has them.

use basket_application::views::{BasketItemView, BasketView};
use platform_grpc::{money, number, time};
use proto::basket::v1::{Basket, BasketItem};

/// A basket.
pub(crate) fn basket(view: BasketView) -> Basket {
    Basket {
        id: view.id.to_string(),
        user_id: view.user_id.to_string(),
        items: view.items.into_iter().map(item).collect(),
        total: Some(money::write(view.total)),
        item_count: number::write(view.item_count),
        created_at: Some(time::write(view.created_at)),
        updated_at: Some(time::write(view.updated_at)),
        expires_at: Some(time::write(view.expires_at)),
        version: number::write(view.version),
    }
}

fn item(view: BasketItemView) -> BasketItem {
    BasketItem {
        product_id: view.product_id.get(),
        name: view.name,
        price: Some(money::write(view.price)),
        quantity: view.quantity.into(),
        subtotal: Some(money::write(view.subtotal)),
        category: view.category,
    }
}
