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
    /// The same use cases, each reported to `observer`.
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
