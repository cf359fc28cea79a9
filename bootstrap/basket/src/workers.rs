//! What runs beside the servers: the consumer of basket events, the relay of dead letters, housekeeping.

use std::{sync::Arc, time::Duration};

use basket_application::{
    BasketUseCases,
    commands::{RemoveExpired, RemovePaidItems},
};
use basket_events::BasketEvents;
use kernel_application::{
    CallContext, CommandHandler, IdGenerator, TraceContext,
    messaging::{EventLog, MessagingObserver},
};
use platform_messaging::{Consumer, ConsumerParts, Housekeeping, Relay, topics};
use platform_runtime::{Running, StopSignal, SystemClock, UuidV7Generator};
use platform_sqlite::{SqliteInbox, SqliteOutbox};
use platform_telemetry::{MessagingMetrics, Metrics, component};
use slog::{Logger, info};

use crate::resources::Resources;

const PERIOD: Duration = Duration::from_mins(10);

/// Adds the workers to what runs.
pub(crate) fn add(
    running: Running,
    resources: &Resources,
    use_cases: &BasketUseCases,
    metrics: &Metrics,
    logger: &Logger,
) -> Running {
    let observer: Arc<dyn MessagingObserver> = Arc::new(MessagingMetrics::new(metrics));
    let owner = format!("basket-{}", UuidV7Generator.next());
    let remove_paid_items = Arc::clone(&use_cases.remove_paid_items);
    let consumer = consumer(resources, remove_paid_items, &observer, &owner, logger);
    let relay = relay(resources, &observer, &owner, logger);
    let housekeeping = Housekeeping {
        outbox: Arc::new(SqliteOutbox::new(resources.db.clone())),
        inbox: Some(Arc::new(SqliteInbox::new(resources.db.clone()))),
        logger: component(logger, "housekeeping"),
    };
    let remove_expired = Arc::clone(&use_cases.remove_expired);
    let logger = component(logger, "expiry");
    running
        .worker("consumer", |stop| consumer.run(stop))
        .worker("relay", |stop| relay.run(stop))
        .worker("housekeeping", |stop| housekeeping.run(stop))
        .worker("expiry", |stop| expire(remove_expired, logger, stop))
}

fn consumer(
    resources: &Resources,
    remove_paid_items: Arc<dyn CommandHandler<RemovePaidItems>>,
    observer: &Arc<dyn MessagingObserver>,
    owner: &str,
    logger: &Logger,
) -> Consumer {
    let parts = ConsumerParts {
        name: "basket",
        log: Arc::clone(&resources.log) as Arc<dyn EventLog>,
        inbox: Arc::new(SqliteInbox::new(resources.db.clone())),
        handler: Arc::new(BasketEvents::new(remove_paid_items)),
        ids: Arc::new(UuidV7Generator),
        observer: Arc::clone(observer),
        owner: owner.to_owned(),
        logger: component(logger, "consumer"),
    };
    Consumer::new(parts, &[topics::BASKET_EVENTS])
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

/// Failures are logged by the observer around the use case; the next round comes anyway.
async fn expire(
    remove_expired: Arc<dyn CommandHandler<RemoveExpired>>,
    logger: Logger,
    mut stop: StopSignal,
) {
    while tokio::time::timeout(PERIOD, stop.wait_for(|stop| *stop)).await.is_err() {
        let id = UuidV7Generator.next();
        let ctx = CallContext::new(id.to_string(), TraceContext::start(id));
        if let Ok(rows) = remove_expired.handle(&ctx, RemoveExpired).await {
            info!(logger, "removed expired baskets"; "rows" => rows);
        }
    }
}
