//! Which component implements which port. A handler or port that is missing here does not compile.

#![expect(clippy::struct_field_names, reason = "`module!` names the fields")]

use std::sync::Arc;

use basket_application::{
    BasketUseCases, Terms, TermsParameters,
    commands::{
        AddItemHandler, ClearItemsHandler, CreateBasketHandler, DeleteBasketHandler, RemoveExpiredHandler,
        RemoveItemHandler, RemovePaidItemsHandler, UpdateItemHandler,
    },
    queries::GetBasketHandler,
};
use basket_clients::{GrpcProductCatalog, GrpcProductCatalogParameters};
use basket_sqlite::{
    SqliteBasketQueries, SqliteBasketQueriesParameters, SqliteBasketRepository,
    SqliteBasketRepositoryParameters,
};
use kernel_application::BoxError;
use platform_runtime::{SystemClock, UuidV7Generator};
use shaku::{HasComponent, module};

use crate::{Config, resources::Resources};

module! {
    EmbeddedModule {
        components = [
            SystemClock,
            UuidV7Generator,
            Terms,
            SqliteBasketRepository,
            SqliteBasketQueries,
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
        providers = []
    }
}

/// The use cases on the embedded home.
pub(crate) fn embedded(config: &Config, resources: &Resources) -> Result<BasketUseCases, BoxError> {
    let ttl = chrono::TimeDelta::from_std(config.basket_ttl)?;
    let db = || resources.db.clone();
    let module = EmbeddedModule::builder()
        .with_component_parameters::<Terms>(TermsParameters { ttl, currency: config.common.currency })
        .with_component_parameters::<SqliteBasketRepository>(SqliteBasketRepositoryParameters { db: db() })
        .with_component_parameters::<SqliteBasketQueries>(SqliteBasketQueriesParameters { db: db() })
        .with_component_parameters::<GrpcProductCatalog>(GrpcProductCatalogParameters {
            peer: Arc::clone(&resources.product),
        })
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

#[cfg(test)]
mod tests {
    use kernel_application::{CallContext, TraceContext, UseCaseError};
    use platform_runtime::{Configuration, Settings};
    use platform_telemetry::{Metrics, silent};

    use super::*;

    #[tokio::test]
    async fn every_component_has_what_it_needs() {
        let folder = platform_testkit::data_dir().unwrap();
        let pairs =
            [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", folder.path().to_str().unwrap())];
        let mut settings = Settings::from_pairs(pairs);
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let resources = Resources::open(&config, &Metrics::new(), &silent()).await.unwrap();
        let use_cases = embedded(&config, &resources).unwrap();

        let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        let query = basket_application::queries::GetBasket { user_id: "ada".to_owned() };
        let answer = use_cases.get_basket.handle(&CallContext::new("test", trace), query).await;
        assert_eq!(answer.unwrap_err().code(), "basket_not_found");
    }
}
