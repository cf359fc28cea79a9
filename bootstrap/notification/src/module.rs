//! Which component implements which port. A handler or port that is missing here does not compile.

#![expect(clippy::struct_field_names, reason = "`module!` names the fields")]

use std::sync::Arc;

use notification_application::{
    ArrivalSignal, Channel, LocalArrivals, NotificationChannel, NotificationUseCases,
    commands::{DeliverDueHandler, DeliverDueHandlerParameters, MarkReadHandler, NotifyPaymentHandler},
    queries::{FollowNotificationsHandler, GetNotificationHandler, ListNotificationsHandler},
};
use notification_channels::{
    ConfiguredSenders, ConfiguredSendersParameters, EmailChannel, SlackChannel, WebhookChannel,
};
use notification_sqlite::{
    SqliteNotificationFeed, SqliteNotificationFeedParameters, SqliteNotificationQueries,
    SqliteNotificationQueriesParameters, SqliteNotificationRepository,
    SqliteNotificationRepositoryParameters,
};
use platform_runtime::{SystemClock, UuidV7Generator};
use shaku::{HasComponent, module};

use crate::{Config, resources::Resources};

module! {
    EmbeddedModule {
        components = [
            SystemClock,
            UuidV7Generator,
            LocalArrivals,
            SqliteNotificationRepository,
            SqliteNotificationQueries,
            SqliteNotificationFeed,
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
        providers = []
    }
}

/// The use cases on the embedded home, and the signal that new notifications give.
pub(crate) fn embedded(
    config: &Config,
    resources: &Resources,
) -> (NotificationUseCases, Arc<dyn ArrivalSignal>) {
    let Resources { db, senders: ConfiguredSenders { email, slack, webhook }, .. } = resources.clone();
    let module = EmbeddedModule::builder()
        .with_component_parameters::<SqliteNotificationRepository>(SqliteNotificationRepositoryParameters {
            db: db.clone(),
        })
        .with_component_parameters::<SqliteNotificationQueries>(SqliteNotificationQueriesParameters {
            db: db.clone(),
        })
        .with_component_parameters::<SqliteNotificationFeed>(SqliteNotificationFeedParameters { db })
        .with_component_parameters::<ConfiguredSenders>(ConfiguredSendersParameters { email, slack, webhook })
        .with_component_parameters::<DeliverDueHandler>(DeliverDueHandlerParameters {
            settings: config.delivery,
        })
        .build();
    (use_cases(&module), module.resolve())
}

fn use_cases(module: &EmbeddedModule) -> NotificationUseCases {
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
    use kernel_application::{CallContext, TraceContext, UseCaseError};
    use notification_application::queries::GetNotification;
    use platform_runtime::{Configuration, Settings};

    use super::*;

    #[tokio::test]
    async fn every_component_has_what_it_needs() {
        let folder = platform_testkit::data_dir().unwrap();
        let pairs =
            [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", folder.path().to_str().unwrap())];
        let mut settings = Settings::from_pairs(pairs);
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let resources = Resources::open(&config).await.unwrap();
        let (use_cases, _) = embedded(&config, &resources);

        let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        let query = GetNotification { id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned() };
        let answer = use_cases.get_notification.handle(&CallContext::new("test", trace), query).await;
        assert_eq!(answer.unwrap_err().code(), "notification_not_found");
    }
}
