//! What runs beside the servers: the consumer of stock and payment events, the relay of dead letters, housekeeping.

use std::sync::Arc;

use kernel_application::{
    IdGenerator,
    messaging::{EventLog, Inbox, MessagingObserver, Outbox},
};
use platform_messaging::{Consumer, ConsumerParts, Housekeeping, Relay};
use platform_runtime::{Running, SystemClock, UuidV7Generator};
use platform_sqlite::{SqliteInbox, SqliteOutbox};
use platform_telemetry::{MessagingMetrics, Metrics, component};
use product_application::ProductUseCases;
use product_events::ProductEvents;
use slog::Logger;

use crate::resources::Resources;

/// Adds the workers to what runs.
pub(crate) fn add(
    running: Running,
    resources: &Resources,
    use_cases: ProductUseCases,
    metrics: &Metrics,
    logger: &Logger,
) -> Running {
    let parts = Parts {
        log: Arc::clone(&resources.log) as Arc<dyn EventLog>,
        inbox: Arc::new(SqliteInbox::new(resources.db.clone())),
        outbox: Arc::new(SqliteOutbox::new(resources.db.clone())),
        observer: Arc::new(MessagingMetrics::new(metrics)),
        owner: format!("product-{}", UuidV7Generator.next()),
        logger,
    };
    let (consumer, relay, housekeeping) = (parts.consumer(use_cases), parts.relay(), parts.housekeeping());
    running
        .worker("consumer", |stop| consumer.run(stop))
        .worker("relay", |stop| relay.run(stop))
        .worker("housekeeping", |stop| housekeeping.run(stop))
}

/// What the workers are made of.
struct Parts<'a> {
    log: Arc<dyn EventLog>,
    inbox: Arc<dyn Inbox>,
    outbox: Arc<dyn Outbox>,
    observer: Arc<dyn MessagingObserver>,
    owner: String,
    logger: &'a Logger,
}

impl Parts<'_> {
    fn consumer(&self, use_cases: ProductUseCases) -> Consumer {
        let parts = ConsumerParts {
            name: ProductEvents::CONSUMER,
            log: Arc::clone(&self.log),
            inbox: Arc::clone(&self.inbox),
            handler: Arc::new(ProductEvents::new(use_cases)),
            ids: Arc::new(UuidV7Generator),
            observer: Arc::clone(&self.observer),
            owner: self.owner.clone(),
            logger: component(self.logger, "consumer"),
        };
        Consumer::new(parts, &ProductEvents::TOPICS)
    }

    /// The context publishes no events of its own, but dead letters leave through its outbox.
    fn relay(&self) -> Relay {
        Relay {
            outbox: Arc::clone(&self.outbox),
            log: Arc::clone(&self.log),
            clock: Arc::new(SystemClock),
            observer: Arc::clone(&self.observer),
            owner: self.owner.clone(),
            logger: component(self.logger, "relay"),
        }
    }

    fn housekeeping(&self) -> Housekeeping {
        Housekeeping {
            outbox: Arc::clone(&self.outbox),
            inbox: Some(Arc::clone(&self.inbox)),
            logger: component(self.logger, "housekeeping"),
        }
    }
}
