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
    /// The same use cases, each behind the door of its message and reported to `observer`.
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

#[cfg(test)]
mod tests {
    use kernel_application::{CallContext, Caller, Principal, Role, testing::context};
    use kernel_domain::UserId;

    use super::*;
    use crate::{BasketError, testing::Bench};

    const EVERYBODY: [&str; 6] =
        ["nobody", "the owner", "another user", "a service", "an administrator", "the system"];
    const OWNERS: [&str; 3] = ["the owner", "an administrator", "the system"];

    fn callers() -> [Caller; 6] {
        let known = |name, roles: &[Role]| {
            Caller::known(Principal::new(UserId::new(name).unwrap(), roles.iter().copied()))
        };
        let (ada, bob) = (known("ada", &[]), known("bob", &[]));
        let (service, admin) = (known("payment", &[Role::Service]), known("root", &[Role::Admin]));
        [Caller::Anonymous, ada, bob, service, admin, Caller::Trusted]
    }

    /// Who gets past the door; what they find behind it is another matter.
    async fn let_in<T>(ask: impl AsyncFn(CallContext) -> Result<T, BasketError>) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (name, caller) in EVERYBODY.into_iter().zip(callers()) {
            if !matches!(ask(context().by(caller)).await, Err(BasketError::Denied(_))) {
                names.push(name);
            }
        }
        names
    }

    fn ada() -> String {
        "ada".to_owned()
    }

    #[tokio::test]
    async fn a_basket_is_changed_by_its_owner() {
        let shop = Bench::with_product(1, "2.50", 50).guarded();
        let create = async |ctx| shop.create_basket.handle(&ctx, CreateBasket { user_id: ada() }).await;
        assert_eq!(let_in(create).await, OWNERS);
        let add = async |ctx| {
            shop.add_item.handle(&ctx, AddItem { user_id: ada(), product_id: 1, quantity: 1 }).await
        };
        assert_eq!(let_in(add).await, OWNERS);
        let update = async |ctx| {
            shop.update_item.handle(&ctx, UpdateItem { user_id: ada(), product_id: 1, quantity: 2 }).await
        };
        assert_eq!(let_in(update).await, OWNERS);
        let remove =
            async |ctx| shop.remove_item.handle(&ctx, RemoveItem { user_id: ada(), product_id: 1 }).await;
        assert_eq!(let_in(remove).await, OWNERS);
        let clear = async |ctx| shop.clear_items.handle(&ctx, ClearItems { user_id: ada() }).await;
        assert_eq!(let_in(clear).await, OWNERS);
        let delete = async |ctx| shop.delete_basket.handle(&ctx, DeleteBasket { user_id: ada() }).await;
        assert_eq!(let_in(delete).await, OWNERS);
    }

    #[tokio::test]
    async fn services_read_baskets_too() {
        let shop = Bench::default().guarded();
        let get = async |ctx| shop.get_basket.handle(&ctx, GetBasket { user_id: ada() }).await;
        assert_eq!(let_in(get).await, ["the owner", "a service", "an administrator", "the system"]);
    }

    #[tokio::test]
    async fn what_events_and_workers_do_is_for_nobody_else() {
        let shop = Bench::default().guarded();
        let paid = async |ctx| {
            let id = || "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
            let (user_id, lines) = (ada(), Vec::new());
            let command =
                RemovePaidItems { user_id, basket_id: id(), basket_version: None, payment_id: id(), lines };
            shop.remove_paid_items.handle(&ctx, command).await
        };
        assert_eq!(let_in(paid).await, ["the system"]);
        let expired = async |ctx| shop.remove_expired.handle(&ctx, RemoveExpired).await;
        assert_eq!(let_in(expired).await, ["the system"]);
    }
}
