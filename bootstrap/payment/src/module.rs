//! Which component implements which port. A handler or port that is missing here does not compile.
#![expect(clippy::struct_field_names, reason = "shaku names the fields of a module")]

use std::sync::Arc;

use kernel_application::{Clock, IdGenerator, IdempotencyStore};
use payment_application::{
    PaymentAnswer, PaymentHandlers, PaymentRepository,
    commands::{
        CancelPaymentHandler, CreatePaymentHandler, HandleCallbackHandler, ProcessPaymentHandler,
        RecoverPaymentHandler, RefundPaymentHandler,
    },
    process::{Checkout, Refunds},
    queries::{GetPaymentHandler, GetStatsHandler, ListPaymentsHandler},
};
use payment_clients::{GrpcBaskets, GrpcBasketsParameters, GrpcProducts, GrpcProductsParameters};
use payment_events::PaymentEvents;
use payment_provider::{HttpPaymentProvider, HttpPaymentProviderParameters};
use payment_sqlite::{
    SqliteIdempotencyKeys, SqliteIdempotencyKeysParameters, SqlitePaymentQueries,
    SqlitePaymentQueriesParameters, SqlitePaymentRepository, SqlitePaymentRepositoryParameters,
};
use platform_runtime::{SystemClock, UuidV7Generator};
use platform_sqlite::IdempotencyRows;
use shaku::{HasComponent, module};

use crate::{Config, resources::Resources};

module! {
    EmbeddedModule {
        components = [
            SystemClock,
            UuidV7Generator,
            PaymentEvents,
            SqlitePaymentRepository,
            SqlitePaymentQueries,
            SqliteIdempotencyKeys,
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
        providers = []
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

/// The context on the embedded home.
pub(crate) fn embedded(config: &Config, resources: &Resources) -> Wired {
    let db = || resources.db.clone();
    let module = EmbeddedModule::builder()
        .with_component_parameters::<SqlitePaymentRepository>(SqlitePaymentRepositoryParameters { db: db() })
        .with_component_parameters::<SqlitePaymentQueries>(SqlitePaymentQueriesParameters {
            db: db(),
            currency: config.common.currency,
        })
        .with_component_parameters::<SqliteIdempotencyKeys>(SqliteIdempotencyKeysParameters {
            rows: IdempotencyRows::new(db()),
        })
        .with_component_parameters::<GrpcBaskets>(GrpcBasketsParameters {
            peer: Arc::clone(&resources.basket),
        })
        .with_component_parameters::<GrpcProducts>(GrpcProductsParameters {
            peer: Arc::clone(&resources.product),
        })
        .with_component_parameters::<HttpPaymentProvider>(HttpPaymentProviderParameters {
            client: Arc::clone(&resources.provider),
        })
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

#[cfg(test)]
mod tests {
    use kernel_application::{CallContext, TraceContext, UseCaseError};
    use payment_application::queries::GetPayment;
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
        let wired = embedded(&config, &resources);

        let ctx = CallContext::new("test", TraceContext::start(wired.ids.next()));
        let answer = wired.handlers.get_payment.handle(&ctx, GetPayment { id: "none".to_owned() }).await;
        assert_eq!(answer.unwrap_err().code(), "payment_not_found");
    }
}
