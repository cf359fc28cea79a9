//! What runs beside the server: the consumer of payment events, one delivery per channel, the relay of dead letters,
//! housekeeping.

use std::{sync::Arc, time::Duration};

use kernel_application::{
    CommandHandler, IdGenerator,
    messaging::{EventLog, MessagingObserver},
};
use notification_application::{
    ArrivalSignal, Channel, DeliveryWorker, NotificationUseCases, commands::NotifyPayment,
};
use notification_events::PaymentEvents;
use platform_messaging::{Consumer, ConsumerParts, Housekeeping, Relay, topics};
use platform_runtime::{Running, StopSignal, SystemClock, UuidV7Generator};
use platform_sqlite::{SqliteInbox, SqliteOutbox};
use platform_telemetry::{MessagingMetrics, Metrics, component};
use slog::Logger;

use crate::resources::Resources;

/// How often deliveries look for retries that are due.
const POLL: Duration = Duration::from_millis(500);

/// Adds the workers to what runs.
pub(crate) fn add(
    running: Running,
    resources: &Resources,
    use_cases: &NotificationUseCases,
    arrivals: &Arc<dyn ArrivalSignal>,
    metrics: &Metrics,
    logger: &Logger,
) -> Running {
    let observer: Arc<dyn MessagingObserver> = Arc::new(MessagingMetrics::new(metrics));
    let owner = format!("notification-{}", UuidV7Generator.next());
    let consumer = consumer(resources, &use_cases.notify_payment, &observer, &owner, logger);
    let relay = relay(resources, &observer, &owner, logger);
    let housekeeping = Housekeeping {
        outbox: Arc::new(SqliteOutbox::new(resources.db.clone())),
        inbox: Some(Arc::new(SqliteInbox::new(resources.db.clone()))),
        logger: component(logger, "housekeeping"),
    };
    let running = running
        .worker("consumer", |stop| consumer.run(stop))
        .worker("relay", |stop| relay.run(stop))
        .worker("housekeeping", |stop| housekeeping.run(stop));
    Channel::SENDING.into_iter().fold(running, |running, channel| {
        let delivery = delivery(channel, use_cases, arrivals, logger);
        running.worker(channel.as_str(), |stop| delivery.run(stopped(stop)))
    })
}

fn consumer(
    resources: &Resources,
    notify: &Arc<dyn CommandHandler<NotifyPayment>>,
    observer: &Arc<dyn MessagingObserver>,
    owner: &str,
    logger: &Logger,
) -> Consumer {
    let parts = ConsumerParts {
        name: "notification",
        log: Arc::clone(&resources.log) as Arc<dyn EventLog>,
        inbox: Arc::new(SqliteInbox::new(resources.db.clone())),
        handler: Arc::new(PaymentEvents::new(Arc::clone(notify))),
        ids: Arc::new(UuidV7Generator),
        observer: Arc::clone(observer),
        owner: owner.to_owned(),
        logger: component(logger, "consumer"),
    };
    Consumer::new(parts, &[topics::PAYMENT_EVENTS])
}

/// The context publishes no events of its own, but dead letters leave through its outbox too.
fn relay(
    resources: &Resources,
    observer: &Arc<dyn MessagingObserver>,
    owner: &str,
    logger: &Logger,
) -> Relay {
    Relay {
        outbox: Arc::new(SqliteOutbox::new(resources.db.clone())),
        log: Arc::clone(&resources.log) as Arc<dyn EventLog>,
        clock: Arc::new(SystemClock),
        observer: Arc::clone(observer),
        owner: owner.to_owned(),
        logger: component(logger, "relay"),
    }
}

fn delivery(
    channel: Channel,
    use_cases: &NotificationUseCases,
    arrivals: &Arc<dyn ArrivalSignal>,
    logger: &Logger,
) -> DeliveryWorker {
    let deliver = Arc::clone(&use_cases.deliver_due);
    DeliveryWorker::new(channel, deliver, Arc::clone(arrivals), Arc::new(UuidV7Generator), POLL, logger)
}

async fn stopped(mut stop: StopSignal) {
    // The sender gone means the same as the signal.
    let _ = stop.wait_for(|stop| *stop).await;
}
