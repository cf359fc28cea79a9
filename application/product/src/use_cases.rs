//! All use cases in one plain struct, which bootstrap fills and inbound adapters take what they need from.

use std::sync::Arc;

use kernel_application::{CommandHandler, Observed, QueryHandler, UseCaseObserver};

use crate::{
    commands::{
        ApplyStockChange, CreateProduct, DeleteProduct, RecordSale, ReleaseStock, ReserveStock, UpdateProduct,
    },
    queries::{GetProduct, GetStats, ListCategories, ListProducts},
};

/// The handlers of this context.
#[derive(Clone)]
pub struct ProductUseCases {
    /// Adds a product.
    pub create_product: Arc<dyn CommandHandler<CreateProduct>>,
    /// Replaces a product's fields.
    pub update_product: Arc<dyn CommandHandler<UpdateProduct>>,
    /// Removes a product.
    pub delete_product: Arc<dyn CommandHandler<DeleteProduct>>,
    /// Sets units aside for a payment.
    pub reserve_stock: Arc<dyn CommandHandler<ReserveStock>>,
    /// Gives a payment's units back.
    pub release_stock: Arc<dyn CommandHandler<ReleaseStock>>,
    /// Sells reserved units or takes refunded ones in.
    pub apply_stock_change: Arc<dyn CommandHandler<ApplyStockChange>>,
    /// Adds a sale to the totals.
    pub record_sale: Arc<dyn CommandHandler<RecordSale>>,
    /// One product.
    pub get_product: Arc<dyn QueryHandler<GetProduct>>,
    /// A page of products.
    pub list_products: Arc<dyn QueryHandler<ListProducts>>,
    /// All categories.
    pub list_categories: Arc<dyn QueryHandler<ListCategories>>,
    /// The catalogue in figures.
    pub get_stats: Arc<dyn QueryHandler<GetStats>>,
}

impl ProductUseCases {
    /// The same use cases, each behind the door of its message and reported to `observer`.
    #[must_use]
    pub fn observed(self, observer: &Arc<dyn UseCaseObserver>) -> Self {
        Self {
            create_product: Observed::command(self.create_product, observer),
            update_product: Observed::command(self.update_product, observer),
            delete_product: Observed::command(self.delete_product, observer),
            reserve_stock: Observed::command(self.reserve_stock, observer),
            release_stock: Observed::command(self.release_stock, observer),
            apply_stock_change: Observed::command(self.apply_stock_change, observer),
            record_sale: Observed::command(self.record_sale, observer),
            get_product: Observed::query(self.get_product, observer),
            list_products: Observed::query(self.list_products, observer),
            list_categories: Observed::query(self.list_categories, observer),
            get_stats: Observed::query(self.get_stats, observer),
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::{CallContext, Caller, Principal, Role, testing::context};
    use kernel_domain::UserId;

    use super::*;
    use crate::{ProductError, StockOperation, fields::tests::lamp, testing::Fixture};

    const EVERYBODY: [&str; 5] = ["nobody", "a user", "a service", "an administrator", "the system"];
    const ADMINISTRATORS: [&str; 2] = ["an administrator", "the system"];
    const SERVICES: [&str; 3] = ["a service", "an administrator", "the system"];
    const THE_SYSTEM: [&str; 1] = ["the system"];

    fn callers() -> [Caller; 5] {
        let known = |name, roles: &[Role]| {
            Caller::known(Principal::new(UserId::new(name).unwrap(), roles.iter().copied()))
        };
        let admin = known("root", &[Role::Admin]);
        [Caller::Anonymous, known("ada", &[]), known("payment", &[Role::Service]), admin, Caller::Trusted]
    }

    /// Who gets past the door; what they find behind it is another matter.
    async fn let_in<T>(ask: impl AsyncFn(CallContext) -> Result<T, ProductError>) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (name, caller) in EVERYBODY.into_iter().zip(callers()) {
            if !matches!(ask(context().by(caller)).await, Err(ProductError::Denied(_))) {
                names.push(name);
            }
        }
        names
    }

    #[tokio::test]
    async fn the_catalogue_is_for_everybody() {
        let shop = Fixture::with_stock(5).await.guarded();
        let get = async |ctx| shop.get_product.handle(&ctx, GetProduct { id: 1 }).await;
        assert_eq!(let_in(get).await, EVERYBODY);
        let list = async |ctx| shop.list_products.handle(&ctx, ListProducts::default()).await;
        assert_eq!(let_in(list).await, EVERYBODY);
        let categories = async |ctx| shop.list_categories.handle(&ctx, ListCategories).await;
        assert_eq!(let_in(categories).await, EVERYBODY);
    }

    #[tokio::test]
    async fn changes_and_figures_are_for_administrators() {
        let shop = Fixture::with_stock(5).await.guarded();
        let create = async |ctx| shop.create_product.handle(&ctx, CreateProduct { fields: lamp() }).await;
        assert_eq!(let_in(create).await, ADMINISTRATORS);
        let update = async |ctx| {
            let command = UpdateProduct { id: 1, expected_version: None, fields: lamp() };
            shop.update_product.handle(&ctx, command).await
        };
        assert_eq!(let_in(update).await, ADMINISTRATORS);
        let delete = async |ctx| shop.delete_product.handle(&ctx, DeleteProduct { id: 1 }).await;
        assert_eq!(let_in(delete).await, ADMINISTRATORS);
        let stats = async |ctx| shop.get_stats.handle(&ctx, GetStats).await;
        assert_eq!(let_in(stats).await, ADMINISTRATORS);
    }

    #[tokio::test]
    async fn stock_is_held_by_services_and_moved_by_events() {
        let shop = Fixture::with_stock(5).await.guarded();
        let payment_id = || "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
        let reserve = async |ctx| {
            let command = ReserveStock { payment_id: payment_id(), lines: Vec::new() };
            shop.reserve_stock.handle(&ctx, command).await
        };
        assert_eq!(let_in(reserve).await, SERVICES);
        let release =
            async |ctx| shop.release_stock.handle(&ctx, ReleaseStock { payment_id: payment_id() }).await;
        assert_eq!(let_in(release).await, SERVICES);
        let apply = async |ctx| {
            let operation = StockOperation::Increase;
            let command =
                ApplyStockChange { payment_id: payment_id(), product_id: 1, quantity: 1, operation };
            shop.apply_stock_change.handle(&ctx, command).await
        };
        assert_eq!(let_in(apply).await, THE_SYSTEM);
        let record = async |ctx| shop.record_sale.handle(&ctx, RecordSale { lines: Vec::new() }).await;
        assert_eq!(let_in(record).await, THE_SYSTEM);
    }
}
