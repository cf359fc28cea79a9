//! All use cases in one plain struct, which bootstrap fills and inbound adapters take what they need from.

use std::sync::Arc;

use kernel_application::{CommandHandler, Observed, QueryHandler, UseCaseObserver};

use crate::{
    commands::{
        AddItem, ClearItems, CreateBasket, DeleteBasket, RemoveExpired, RemoveItem, RemovePaidItems,
        UpdateItem,
    },
    queries::GetBasket,
};

/// The handlers of this context. HTTP, gRPC and events call the same ones.
#[derive(Clone)]
pub struct BasketUseCases {
    /// Makes an empty basket.
    pub create_basket: Arc<dyn CommandHandler<CreateBasket>>,
    /// Removes a basket.
    pub delete_basket: Arc<dyn CommandHandler<DeleteBasket>>,
    /// Puts units in.
    pub add_item: Arc<dyn CommandHandler<AddItem>>,
    /// Sets the units of a line.
    pub update_item: Arc<dyn CommandHandler<UpdateItem>>,
    /// Takes a line out.
    pub remove_item: Arc<dyn CommandHandler<RemoveItem>>,
    /// Takes all lines out.
    pub clear_items: Arc<dyn CommandHandler<ClearItems>>,
    /// Takes out what a payment paid.
    pub remove_paid_items: Arc<dyn CommandHandler<RemovePaidItems>>,
    /// Frees the space of what has expired.
    pub remove_expired: Arc<dyn CommandHandler<RemoveExpired>>,
    /// Reads a basket.
    pub get_basket: Arc<dyn QueryHandler<GetBasket>>,
}

impl BasketUseCases {
    /// The same use cases, each reported to `observer`.
    #[must_use]
    pub fn observed(self, observer: &Arc<dyn UseCaseObserver>) -> Self {
        Self {
            create_basket: Observed::command(self.create_basket, observer),
            delete_basket: Observed::command(self.delete_basket, observer),
            add_item: Observed::command(self.add_item, observer),
            update_item: Observed::command(self.update_item, observer),
            remove_item: Observed::command(self.remove_item, observer),
            clear_items: Observed::command(self.clear_items, observer),
            remove_paid_items: Observed::command(self.remove_paid_items, observer),
            remove_expired: Observed::command(self.remove_expired, observer),
            get_basket: Observed::query(self.get_basket, observer),
        }
    }
}
