//! What can be changed, one file per use case.

mod add_item;
mod clear_items;
mod create_basket;
mod delete_basket;
mod offer;
mod remove_expired;
mod remove_item;
mod remove_paid_items;
mod update_item;

pub use add_item::{AddItem, AddItemHandler};
pub use clear_items::{ClearItems, ClearItemsHandler};
pub use create_basket::{CreateBasket, CreateBasketHandler, CreatedBasket};
pub use delete_basket::{DeleteBasket, DeleteBasketHandler};
pub use remove_expired::{RemoveExpired, RemoveExpiredHandler};
pub use remove_item::{RemoveItem, RemoveItemHandler};
pub use remove_paid_items::{PaidItem, RemovePaidItems, RemovePaidItemsHandler};
pub use update_item::{UpdateItem, UpdateItemHandler};
