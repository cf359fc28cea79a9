//! Which component implements which port. A handler or port that is missing here does not compile.

#![expect(clippy::struct_field_names, reason = "`module!` names the fields")]

use platform_runtime::SystemClock;
use platform_sqlite::Database;
use product_application::{
    ProductUseCases, ShopSettings, ShopSettingsParameters,
    commands::{
        ApplyStockChangeHandler, CreateProductHandler, DeleteProductHandler, RecordSaleHandler,
        ReleaseStockHandler, ReserveStockHandler, UpdateProductHandler,
    },
    queries::{GetProductHandler, GetStatsHandler, ListCategoriesHandler, ListProductsHandler},
};
use product_sqlite::{
    SqliteProductQueries, SqliteProductQueriesParameters, SqliteProductRepository,
    SqliteProductRepositoryParameters, SqliteSalesLedger, SqliteSalesLedgerParameters, SqliteStockRepository,
    SqliteStockRepositoryParameters,
};
use shaku::{HasComponent, module};

use crate::{Config, resources::Resources};

module! {
    EmbeddedModule {
        components = [
            SystemClock,
            ShopSettings,
            SqliteProductRepository,
            SqliteStockRepository,
            SqliteSalesLedger,
            SqliteProductQueries,
            CreateProductHandler,
            UpdateProductHandler,
            DeleteProductHandler,
            ReserveStockHandler,
            ReleaseStockHandler,
            ApplyStockChangeHandler,
            RecordSaleHandler,
            GetProductHandler,
            ListProductsHandler,
            ListCategoriesHandler,
            GetStatsHandler,
        ],
        providers = []
    }
}

/// The use cases on the embedded home.
pub(crate) fn embedded(config: &Config, resources: &Resources) -> ProductUseCases {
    let module = build(config, &resources.db);
    ProductUseCases {
        create_product: module.resolve(),
        update_product: module.resolve(),
        delete_product: module.resolve(),
        reserve_stock: module.resolve(),
        release_stock: module.resolve(),
        apply_stock_change: module.resolve(),
        record_sale: module.resolve(),
        get_product: module.resolve(),
        list_products: module.resolve(),
        list_categories: module.resolve(),
        get_stats: module.resolve(),
    }
}

/// A component whose parameters are missing here panics, which the test below would show.
fn build(config: &Config, db: &Database) -> EmbeddedModule {
    let (currency, db) = (config.common.currency, || db.clone());
    EmbeddedModule::builder()
        .with_component_parameters::<ShopSettings>(ShopSettingsParameters { currency })
        .with_component_parameters::<SqliteProductRepository>(SqliteProductRepositoryParameters { db: db() })
        .with_component_parameters::<SqliteStockRepository>(SqliteStockRepositoryParameters { db: db() })
        .with_component_parameters::<SqliteSalesLedger>(SqliteSalesLedgerParameters { db: db() })
        .with_component_parameters::<SqliteProductQueries>(SqliteProductQueriesParameters { db: db() })
        .build()
}

#[cfg(test)]
mod tests {
    use kernel_application::{CallContext, TraceContext};
    use platform_runtime::{Configuration, Settings};
    use product_application::queries::GetStats;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn every_component_has_what_it_needs() {
        let folder = platform_testkit::data_dir().unwrap();
        let data_dir = folder.path().to_str().unwrap();
        let pairs = [
            ("STORAGE", "embedded"),
            ("EVENTS", "embedded"),
            ("DATA_DIR", data_dir),
            ("SHOP_CURRENCY", "EUR"),
        ];
        let mut settings = Settings::from_pairs(pairs);
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let resources = Resources::open(&config.data_dir).await.unwrap();
        let use_cases = embedded(&config, &resources);
        let ctx = CallContext::new("test", TraceContext::start(Uuid::from_u128(1)));
        let stats = use_cases.get_stats.handle(&ctx, GetStats).await.unwrap();
        assert_eq!((stats.product_count, stats.revenue.currency.as_str()), (0, "EUR"));
    }
}
