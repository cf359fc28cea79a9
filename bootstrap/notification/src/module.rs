//! Which component implements which port. A handler or port that is missing here does not compile.

#![expect(clippy::struct_field_names, reason = "`module!` names the fields")]

use std::sync::Arc;

use notification_application::{
    ArrivalSignal, Channel, LocalArrivals, NotificationChannel, NotificationFeed, NotificationQueries,
    NotificationRepository, NotificationUseCases,
    commands::{DeliverDueHandler, DeliverDueHandlerParameters, MarkReadHandler, NotifyPaymentHandler},
    queries::{FollowNotificationsHandler, GetNotificationHandler, ListNotificationsHandler},
};
use notification_channels::{
    ConfiguredSenders, ConfiguredSendersParameters, EmailChannel, SlackChannel, WebhookChannel,
};
use notification_postgres::{
    PgNotificationFeed, PgNotificationFeedParameters, PgNotificationQueries, PgNotificationQueriesParameters,
    PgNotificationRepository, PgNotificationRepositoryParameters,
};
use notification_sqlite::{
    SqliteNotificationFeed, SqliteNotificationFeedParameters, SqliteNotificationQueries,
    SqliteNotificationQueriesParameters, SqliteNotificationRepository,
    SqliteNotificationRepositoryParameters,
};
use platform_runtime::{SystemClock, UuidV7Generator};
use shaku::{HasComponent, module};

use crate::{Config, resources::Store};

/// What a home provides: an implementation of every port that stores.
trait StoreModule:
    HasComponent<dyn NotificationRepository>
    + HasComponent<dyn NotificationQueries>
    + HasComponent<dyn NotificationFeed>
{
}

module! {
    EmbeddedStore: StoreModule {
        components = [SqliteNotificationRepository, SqliteNotificationQueries, SqliteNotificationFeed],
        providers = []
    }
}

module! {
    ServerStore: StoreModule {
        components = [PgNotificationRepository, PgNotificationQueries, PgNotificationFeed],
        providers = []
    }
}

module! {
    NotificationModule {
        components = [
            SystemClock,
            UuidV7Generator,
            LocalArrivals,
            ConfiguredSenders,
            #[keyed(dyn NotificationChannel, Channel)]
            EmailChannel,
            #[keyed(dyn NotificationChannel, Channel)]
            SlackChannel,
            #[keyed(dyn NotificationChannel, Channel)]
            WebhookChannel,
            NotifyPaymentHandler,
            DeliverDueHandler,
            MarkReadHandler,
            GetNotificationHandler,
            ListNotificationsHandler,
            FollowNotificationsHandler,
        ],
        providers = [],

        use dyn StoreModule {
            components = [dyn NotificationRepository, dyn NotificationQueries, dyn NotificationFeed],
            providers = []
        }
    }
}

/// The use cases on that store, and the signal that new notifications give. A component whose parameters are missing
/// panics here, which the tests below would show.
pub(crate) fn wired(
    config: &Config,
    store: &Store,
    senders: ConfiguredSenders,
) -> (NotificationUseCases, Arc<dyn ArrivalSignal>) {
    let ConfiguredSenders { email, slack, webhook } = senders;
    let module = NotificationModule::builder(store_module(store))
        .with_component_parameters::<ConfiguredSenders>(ConfiguredSendersParameters { email, slack, webhook })
        .with_component_parameters::<DeliverDueHandler>(DeliverDueHandlerParameters {
            settings: config.delivery,
        })
        .build();
    (use_cases(&module), module.resolve())
}

fn store_module(store: &Store) -> Arc<dyn StoreModule> {
    match store {
        Store::Embedded(db) => Arc::new(embedded(db)),
        Store::Server(db) => Arc::new(server(db)),
    }
}

fn embedded(db: &platform_sqlite::Database) -> EmbeddedStore {
    let db = || db.clone();
    let repository = SqliteNotificationRepositoryParameters { db: db() };
    EmbeddedStore::builder()
        .with_component_parameters::<SqliteNotificationRepository>(repository)
        .with_component_parameters::<SqliteNotificationQueries>(SqliteNotificationQueriesParameters {
            db: db(),
        })
        .with_component_parameters::<SqliteNotificationFeed>(SqliteNotificationFeedParameters { db: db() })
        .build()
}

fn server(db: &platform_postgres::Database) -> ServerStore {
    let db = || db.clone();
    ServerStore::builder()
        .with_component_parameters::<PgNotificationRepository>(PgNotificationRepositoryParameters {
            db: db(),
        })
        .with_component_parameters::<PgNotificationQueries>(PgNotificationQueriesParameters { db: db() })
        .with_component_parameters::<PgNotificationFeed>(PgNotificationFeedParameters { db: db() })
        .build()
}

fn use_cases(module: &NotificationModule) -> NotificationUseCases {
    NotificationUseCases {
        notify_payment: module.resolve(),
        deliver_due: module.resolve(),
        mark_read: module.resolve(),
        get_notification: module.resolve(),
        list_notifications: module.resolve(),
        follow_notifications: module.resolve(),
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::{CallContext, Caller, TraceContext, UseCaseError};
    use notification_application::queries::GetNotification;
    use platform_runtime::{Configuration, Settings};
    use platform_telemetry::silent;

    use super::*;

    /// The code that an unknown notification is answered with.
    async fn code_of_unknown_notification(pairs: &[(&str, &str)]) -> &'static str {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let store = Store::open(&config, &silent()).await.unwrap();
        let (use_cases, _) = wired(&config, &store, ConfiguredSenders::default());
        let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        let query = GetNotification { id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned() };
        let ctx = CallContext::new("test", trace).by(Caller::Trusted);
        use_cases.get_notification.handle(&ctx, query).await.unwrap_err().code()
    }

    #[tokio::test]
    async fn every_component_of_the_embedded_home_has_what_it_needs() {
        let folder = platform_testkit::data_dir().unwrap();
        let folder = folder.path().to_str().unwrap();
        let pairs =
            [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", folder), ("AUTH_MODE", "off")];
        assert_eq!(code_of_unknown_notification(&pairs).await, "notification_not_found");
    }

    #[tokio::test]
    async fn every_component_of_the_server_home_has_what_it_needs() {
        // Nobody listens on port 1: the module is complete all the same, and the store says that it is away.
        let pairs = [("DB_HOST", "127.0.0.1"), ("DB_PORT", "1"), ("AUTH_MODE", "off")];
        assert_eq!(code_of_unknown_notification(&pairs).await, "store_unavailable");
    }
}
