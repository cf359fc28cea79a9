//! What runs beside the servers: the consumer of stock and payment events, the relay of dead letters, housekeeping, and
//! on the server home the migrations until they are done.

use std::sync::Arc;

use platform_messaging::EventWorkers;
use platform_runtime::Running;
use product_application::ProductUseCases;
use product_events::ProductEvents;

use crate::resources::{Resources, Store};

/// Adds the workers to what runs. The context publishes no events of its own, but dead letters leave through its outbox.
pub(crate) fn add(
    running: Running,
    resources: &Resources,
    events: &EventWorkers,
    use_cases: ProductUseCases,
) -> Running {
    let handler = Arc::new(ProductEvents::new(use_cases));
    let consumer = events.consumer(ProductEvents::CONSUMER, &ProductEvents::TOPICS, handler);
    let (relay, housekeeping) = (events.relay(), events.housekeeping());
    let running = match resources.store.clone() {
        Store::Embedded(_) => running,
        Store::Server(db) => {
            running.worker("migrations", |stop| async move { db.keep_migrating(stop).await })
        }
    };
    running
        .worker("consumer", |stop| consumer.run(stop))
        .worker("relay", |stop| relay.run(stop))
        .worker("housekeeping", |stop| housekeeping.run(stop))
}
