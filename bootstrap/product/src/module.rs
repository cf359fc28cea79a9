//! Which component implements which port. A handler or port that is missing here does not compile.

#![expect(clippy::struct_field_names, reason = "`module!` names the fields")]

use std::sync::Arc;

use platform_runtime::SystemClock;
use product_application::{
    ProductUseCases, ShopSettings, ShopSettingsParameters,
    commands::{
        ApplyStockChangeHandler, CreateProductHandler, DeleteProductHandler, RecordSaleHandler,
        ReleaseStockHandler, ReserveStockHandler, UpdateProductHandler,
    },
    ports::{ProductQueries, ProductRepository, SalesLedger, StockRepository},
    queries::{GetProductHandler, GetStatsHandler, ListCategoriesHandler, ListProductsHandler},
};
use product_postgres::{
    PgProductQueries, PgProductQueriesParameters, PgProductRepository, PgProductRepositoryParameters,
    PgSalesLedger, PgSalesLedgerParameters, PgStockRepository, PgStockRepositoryParameters,
};
use product_sqlite::{
    SqliteProductQueries, SqliteProductQueriesParameters, SqliteProductRepository,
    SqliteProductRepositoryParameters, SqliteSalesLedger, SqliteSalesLedgerParameters, SqliteStockRepository,
    SqliteStockRepositoryParameters,
};
use shaku::{HasComponent, module};

use crate::{Config, resources::Store};

/// What a home provides: an implementation of every port that stores.
trait StoreModule:
    HasComponent<dyn ProductRepository>
    + HasComponent<dyn StockRepository>
    + HasComponent<dyn SalesLedger>
    + HasComponent<dyn ProductQueries>
{
}

module! {
    EmbeddedStore: StoreModule {
        components = [
            ShopSettings,
            SqliteProductRepository,
            SqliteStockRepository,
            SqliteSalesLedger,
            SqliteProductQueries,
        ],
        providers = []
    }
}

module! {
    ServerStore: StoreModule {
        components = [
            ShopSettings,
            PgProductRepository,
            PgStockRepository,
            PgSalesLedger,
            PgProductQueries,
        ],
        providers = []
    }
}

module! {
    ProductModule {
        components = [
            SystemClock,
            ShopSettings,
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
        providers = [],

        use dyn StoreModule {
            components = [dyn ProductRepository, dyn StockRepository, dyn SalesLedger, dyn ProductQueries],
            providers = []
        }
    }
}

/// The use cases on that store. A component whose parameters are missing panics here, which the tests below would show.
pub(crate) fn use_cases(config: &Config, store: &Store) -> ProductUseCases {
    let module = ProductModule::builder(store_module(config, store))
        .with_component_parameters::<ShopSettings>(ShopSettingsParameters {
            currency: config.common.currency,
        })
        .build();
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

const fn shop(config: &Config) -> ShopSettingsParameters {
    ShopSettingsParameters { currency: config.common.currency }
}

fn store_module(config: &Config, store: &Store) -> Arc<dyn StoreModule> {
    match store {
        Store::Embedded(db) => Arc::new(embedded(config, db)),
        Store::Server(db) => Arc::new(server(config, db)),
    }
}

fn embedded(config: &Config, db: &platform_sqlite::Database) -> EmbeddedStore {
    let db = || db.clone();
    EmbeddedStore::builder()
        .with_component_parameters::<ShopSettings>(shop(config))
        .with_component_parameters::<SqliteProductRepository>(SqliteProductRepositoryParameters { db: db() })
        .with_component_parameters::<SqliteStockRepository>(SqliteStockRepositoryParameters { db: db() })
        .with_component_parameters::<SqliteSalesLedger>(SqliteSalesLedgerParameters { db: db() })
        .with_component_parameters::<SqliteProductQueries>(SqliteProductQueriesParameters { db: db() })
        .build()
}

fn server(config: &Config, db: &platform_postgres::Database) -> ServerStore {
    let db = || db.clone();
    ServerStore::builder()
        .with_component_parameters::<ShopSettings>(shop(config))
        .with_component_parameters::<PgProductRepository>(PgProductRepositoryParameters { db: db() })
        .with_component_parameters::<PgStockRepository>(PgStockRepositoryParameters { db: db() })
        .with_component_parameters::<PgSalesLedger>(PgSalesLedgerParameters { db: db() })
        .with_component_parameters::<PgProductQueries>(PgProductQueriesParameters { db: db() })
        .build()
}

#[cfg(test)]
mod tests {
    use kernel_application::{CallContext, TraceContext, UseCaseError};
    use platform_runtime::{Configuration, Settings};
    use platform_telemetry::silent;
    use product_application::queries::GetStats;
    use uuid::Uuid;

    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let mut settings = Settings::from_pairs([("AUTH_MODE", "off")].iter().chain(pairs).copied());
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        config
    }

    fn context() -> CallContext {
        CallContext::new("test", TraceContext::start(Uuid::from_u128(1)))
    }

    #[tokio::test]
    async fn every_component_of_the_embedded_home_has_what_it_needs() {
        let folder = platform_testkit::data_dir().unwrap();
        let config = config(&[
            ("STORAGE", "embedded"),
            ("EVENTS", "embedded"),
            ("DATA_DIR", folder.path().to_str().unwrap()),
            ("SHOP_CURRENCY", "EUR"),
        ]);
        let store = Store::open(&config, &silent()).await.unwrap();
        let stats = use_cases(&config, &store).get_stats.handle(&context(), GetStats).await.unwrap();
        assert_eq!((stats.product_count, stats.revenue.currency.as_str()), (0, "EUR"));
    }

    #[tokio::test]
    async fn every_component_of_the_server_home_has_what_it_needs() {
        // Nobody listens on port 1: the module is complete all the same, and the store says that it is away.
        let config = config(&[("DB_HOST", "127.0.0.1"), ("DB_PORT", "1")]);
        let store = Store::open(&config, &silent()).await.unwrap();
        let stats = use_cases(&config, &store).get_stats.handle(&context(), GetStats).await;
        assert_eq!(stats.unwrap_err().code(), "store_unavailable");
    }
}
