//! Which component implements which port. A handler or port that is missing here does not compile.
#![expect(clippy::struct_field_names, reason = "shaku names the fields of a module")]

use std::sync::Arc;

use kernel_application::{Clock, IdGenerator, IdempotencyStore};
use payment_application::{
    PaymentAnswer, PaymentHandlers, PaymentQueries, PaymentRepository,
    commands::{
        CancelPaymentHandler, CreatePaymentHandler, HandleCallbackHandler, ProcessPaymentHandler,
        RecoverPaymentHandler, RefundPaymentHandler,
    },
    process::{Checkout, Refunds},
    queries::{GetPaymentHandler, GetStatsHandler, ListPaymentsHandler},
};
use payment_clients::{GrpcBaskets, GrpcBasketsParameters, GrpcProducts, GrpcProductsParameters};
use payment_events::PaymentEvents;
use payment_mariadb::{
    MariaDbIdempotencyKeys, MariaDbIdempotencyKeysParameters, MariaDbPaymentQueries,
    MariaDbPaymentQueriesParameters, MariaDbPaymentRepository, MariaDbPaymentRepositoryParameters,
};
use payment_provider::{HttpPaymentProvider, HttpPaymentProviderParameters};
use payment_sqlite::{
    SqliteIdempotencyKeys, SqliteIdempotencyKeysParameters, SqlitePaymentQueries,
    SqlitePaymentQueriesParameters, SqlitePaymentRepository, SqlitePaymentRepositoryParameters,
};
use platform_runtime::{SystemClock, UuidV7Generator};
use shaku::{HasComponent, module};

use crate::{
    Config,
    resources::{Peers, Store},
};

/// What a home provides: an implementation of every port that stores.
trait StoreModule:
    HasComponent<dyn PaymentRepository>
    + HasComponent<dyn PaymentQueries>
    + HasComponent<dyn IdempotencyStore<PaymentAnswer>>
{
}

module! {
    EmbeddedStore: StoreModule {
        components = [SystemClock, UuidV7Generator, PaymentEvents, SqlitePaymentRepository, SqlitePaymentQueries, SqliteIdempotencyKeys],
        providers = []
    }
}

module! {
    ServerStore: StoreModule {
        components = [SystemClock, UuidV7Generator, PaymentEvents, MariaDbPaymentRepository, MariaDbPaymentQueries, MariaDbIdempotencyKeys],
        providers = []
    }
}

module! {
    PaymentModule {
        components = [
            SystemClock,
            UuidV7Generator,
            GrpcBaskets,
            GrpcProducts,
            HttpPaymentProvider,
            Checkout,
            Refunds,
            CreatePaymentHandler,
            ProcessPaymentHandler,
            CancelPaymentHandler,
            RefundPaymentHandler,
            HandleCallbackHandler,
            RecoverPaymentHandler,
            GetPaymentHandler,
            ListPaymentsHandler,
            GetStatsHandler,
        ],
        providers = [],

        use dyn StoreModule {
            components = [dyn PaymentRepository, dyn PaymentQueries, dyn IdempotencyStore<PaymentAnswer>],
            providers = []
        }
    }
}

/// What the server needs of the module.
pub(crate) struct Wired {
    pub(crate) handlers: PaymentHandlers,
    pub(crate) payments: Arc<dyn PaymentRepository>,
    pub(crate) keys: Arc<dyn IdempotencyStore<PaymentAnswer>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
}

/// The context on that store. A component whose parameters are missing panics here, which the tests below would show.
pub(crate) fn wired(config: &Config, store: &Store, peers: &Peers) -> Wired {
    let Peers { basket, product, provider, .. } = peers.clone();
    let module = PaymentModule::builder(store_module(config, store))
        .with_component_parameters::<GrpcBaskets>(GrpcBasketsParameters { peer: basket })
        .with_component_parameters::<GrpcProducts>(GrpcProductsParameters { peer: product })
        .with_component_parameters::<HttpPaymentProvider>(HttpPaymentProviderParameters { client: provider })
        .build();
    let handlers = PaymentHandlers {
        create_payment: module.resolve(),
        process_payment: module.resolve(),
        cancel_payment: module.resolve(),
        refund_payment: module.resolve(),
        handle_callback: module.resolve(),
        recover_payment: module.resolve(),
        get_payment: module.resolve(),
        list_payments: module.resolve(),
        get_stats: module.resolve(),
    };
    Wired {
        handlers,
        payments: module.resolve(),
        keys: module.resolve(),
        clock: module.resolve(),
        ids: module.resolve(),
    }
}

fn store_module(config: &Config, store: &Store) -> Arc<dyn StoreModule> {
    match store {
        Store::Embedded(db) => Arc::new(embedded(config, db)),
        Store::Server(db) => Arc::new(server(config, db)),
    }
}

fn embedded(config: &Config, db: &platform_sqlite::Database) -> EmbeddedStore {
    let (db, currency) = (|| db.clone(), config.common.currency);
    let keys = SqliteIdempotencyKeysParameters { rows: platform_sqlite::IdempotencyRows::new(db()) };
    EmbeddedStore::builder()
        .with_component_parameters::<SqlitePaymentRepository>(SqlitePaymentRepositoryParameters { db: db() })
        .with_component_parameters::<SqlitePaymentQueries>(SqlitePaymentQueriesParameters {
            db: db(),
            currency,
        })
        .with_component_parameters::<SqliteIdempotencyKeys>(keys)
        .build()
}

fn server(config: &Config, db: &platform_mariadb::Database) -> ServerStore {
    let (db, currency) = (|| db.clone(), config.common.currency);
    let keys = MariaDbIdempotencyKeysParameters { rows: platform_mariadb::IdempotencyRows::new(db()) };
    ServerStore::builder()
        .with_component_parameters::<MariaDbPaymentRepository>(MariaDbPaymentRepositoryParameters {
            db: db(),
        })
        .with_component_parameters::<MariaDbPaymentQueries>(MariaDbPaymentQueriesParameters {
            db: db(),
            currency,
        })
        .with_component_parameters::<MariaDbIdempotencyKeys>(keys)
        .build()
}

#[cfg(test)]
mod tests {
    use kernel_application::{CallContext, Caller, TraceContext, UseCaseError};
    use payment_application::queries::GetPayment;
    use platform_runtime::{Configuration, Settings};
    use platform_telemetry::{Metrics, silent};

    use super::*;

    /// The code that an unknown payment is answered with.
    async fn code_of_unknown_payment(pairs: &[(&str, &str)]) -> &'static str {
        let open = [("AUTH_MODE", "off")];
        let mut settings = Settings::from_pairs(open.iter().chain(pairs).copied());
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let store = Store::open(&config, &silent()).await.unwrap();
        let peers = Peers::new(&config, &Metrics::new(), &silent()).unwrap();
        let wired = wired(&config, &store, &peers);
        let ctx = CallContext::new("test", TraceContext::start(wired.ids.next())).by(Caller::Trusted);
        let id = "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
        wired.handlers.get_payment.handle(&ctx, GetPayment { id }).await.unwrap_err().code()
    }

    #[tokio::test]
    async fn every_component_of_the_embedded_home_has_what_it_needs() {
        let folder = platform_testkit::data_dir().unwrap();
        let pairs =
            [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", folder.path().to_str().unwrap())];
        assert_eq!(code_of_unknown_payment(&pairs).await, "payment_not_found");
    }

    #[tokio::test]
    async fn every_component_of_the_server_home_has_what_it_needs() {
        // Nobody listens on port 1: the module is complete all the same, and the store says that it is away.
        let pairs = [("DB_HOST", "127.0.0.1"), ("DB_PORT", "1")];
        assert_eq!(code_of_unknown_payment(&pairs).await, "store_unavailable");
    }
}
