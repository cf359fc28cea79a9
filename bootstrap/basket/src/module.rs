//! Which component implements which port. A handler or port that is missing here does not compile.

#![expect(clippy::struct_field_names, reason = "`module!` names the fields")]

use std::sync::Arc;

use basket_application::{
    BasketUseCases, Terms, TermsParameters,
    commands::{
        AddItemHandler, ClearItemsHandler, CreateBasketHandler, DeleteBasketHandler, RemoveExpiredHandler,
        RemoveItemHandler, RemovePaidItemsHandler, UpdateItemHandler,
    },
    ports::{BasketQueries, BasketRepository},
    queries::GetBasketHandler,
};
use basket_clients::{GrpcProductCatalog, GrpcProductCatalogParameters};
use basket_redis::{
    RedisBasketQueries, RedisBasketQueriesParameters, RedisBasketRepository, RedisBasketRepositoryParameters,
};
use basket_sqlite::{
    SqliteBasketQueries, SqliteBasketQueriesParameters, SqliteBasketRepository,
    SqliteBasketRepositoryParameters,
};
use kernel_application::BoxError;
use platform_grpc::Peer;
use platform_runtime::{SystemClock, UuidV7Generator};
use shaku::{HasComponent, module};

use crate::{Config, resources::Store};

/// What a home provides: an implementation of every port that stores.
trait StoreModule: HasComponent<dyn BasketRepository> + HasComponent<dyn BasketQueries> {}

module! {
    EmbeddedStore: StoreModule {
        components = [SqliteBasketRepository, SqliteBasketQueries],
        providers = []
    }
}

module! {
    ServerStore: StoreModule {
        components = [RedisBasketRepository, RedisBasketQueries],
        providers = []
    }
}

module! {
    BasketModule {
        components = [
            SystemClock,
            UuidV7Generator,
            Terms,
            GrpcProductCatalog,
            AddItemHandler,
            ClearItemsHandler,
            CreateBasketHandler,
            DeleteBasketHandler,
            RemoveExpiredHandler,
            RemoveItemHandler,
            RemovePaidItemsHandler,
            UpdateItemHandler,
            GetBasketHandler,
        ],
        providers = [],

        use dyn StoreModule {
            components = [dyn BasketRepository, dyn BasketQueries],
            providers = []
        }
    }
}

/// The use cases on that store. A component whose parameters are missing panics here, which the tests below would show.
pub(crate) fn use_cases(
    config: &Config,
    store: &Store,
    product: Arc<Peer>,
) -> Result<BasketUseCases, BoxError> {
    let ttl = chrono::TimeDelta::from_std(config.basket_ttl)?;
    let module = BasketModule::builder(store_module(store))
        .with_component_parameters::<Terms>(TermsParameters { ttl, currency: config.common.currency })
        .with_component_parameters::<GrpcProductCatalog>(GrpcProductCatalogParameters { peer: product })
        .build();
    Ok(BasketUseCases {
        create_basket: module.resolve(),
        delete_basket: module.resolve(),
        add_item: module.resolve(),
        update_item: module.resolve(),
        remove_item: module.resolve(),
        clear_items: module.resolve(),
        remove_paid_items: module.resolve(),
        remove_expired: module.resolve(),
        get_basket: module.resolve(),
    })
}

fn store_module(store: &Store) -> Arc<dyn StoreModule> {
    match store.clone() {
        Store::Embedded(db) => {
            let (repository, queries) =
                (SqliteBasketRepositoryParameters { db: db.clone() }, SqliteBasketQueriesParameters { db });
            let module = EmbeddedStore::builder()
                .with_component_parameters::<SqliteBasketRepository>(repository)
                .with_component_parameters::<SqliteBasketQueries>(queries);
            Arc::new(module.build())
        }
        Store::Server(redis) => {
            let (repository, queries) = (
                RedisBasketRepositoryParameters { redis: redis.clone() },
                RedisBasketQueriesParameters { redis },
            );
            let module = ServerStore::builder()
                .with_component_parameters::<RedisBasketRepository>(repository)
                .with_component_parameters::<RedisBasketQueries>(queries);
            Arc::new(module.build())
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::{CallContext, TraceContext, UseCaseError};
    use platform_runtime::{Configuration, Settings};
    use platform_telemetry::{Metrics, silent};

    use super::*;
    use crate::resources;

    /// The code that a user without basket is answered with.
    async fn code_of_no_basket(pairs: &[(&str, &str)]) -> &'static str {
        let mut settings = Settings::from_pairs([("AUTH_MODE", "off")].iter().chain(pairs).copied());
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let store = Store::open(&config, &silent()).await.unwrap();
        let product = resources::product(&config, None, &Metrics::new(), &silent()).unwrap();
        let use_cases = use_cases(&config, &store, product).unwrap();
        let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        let query = basket_application::queries::GetBasket { user_id: "ada".to_owned() };
        use_cases.get_basket.handle(&CallContext::new("test", trace), query).await.unwrap_err().code()
    }

    #[tokio::test]
    async fn every_component_of_the_embedded_home_has_what_it_needs() {
        let folder = platform_testkit::data_dir().unwrap();
        let pairs =
            [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", folder.path().to_str().unwrap())];
        assert_eq!(code_of_no_basket(&pairs).await, "basket_not_found");
    }

    #[tokio::test]
    async fn every_component_of_the_server_home_has_what_it_needs() {
        // Nobody listens on port 1: the module is complete all the same, and the store says that it is away.
        let pairs = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", "1")];
        assert_eq!(code_of_no_basket(&pairs).await, "store_unavailable");
    }
}
