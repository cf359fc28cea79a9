//! What runs beside the server: the consumer of payment events, one delivery per channel, the relay of dead letters,
//! housekeeping, and on the server home the migrations until they are done.

use std::{sync::Arc, time::Duration};

use notification_application::{ArrivalSignal, Channel, DeliveryWorker, NotificationUseCases};
use notification_events::PaymentEvents;
use platform_messaging::{EventWorkers, topics};
use platform_runtime::{Running, StopSignal, UuidV7Generator};
use slog::Logger;

use crate::resources::{Resources, Store};

/// How often deliveries look for retries that are due.
const POLL: Duration = Duration::from_millis(500);

/// Adds the workers to what runs. The context publishes no events of its own, but dead letters leave through its outbox.
pub(crate) fn add(
    running: Running,
    resources: &Resources,
    events: &EventWorkers,
    use_cases: &NotificationUseCases,
    arrivals: &Arc<dyn ArrivalSignal>,
) -> Running {
    let handler = Arc::new(PaymentEvents::new(Arc::clone(&use_cases.notify_payment)));
    let consumer = events.consumer("notification", &[topics::PAYMENT_EVENTS], handler);
    let (relay, housekeeping) = (events.relay(), events.housekeeping());
    let running = match resources.store.clone() {
        Store::Embedded(_) => running,
        Store::Server(db) => {
            running.worker("migrations", |stop| async move { db.keep_migrating(stop).await })
        }
    };
    let running = running
        .worker("consumer", |stop| consumer.run(stop))
        .worker("relay", |stop| relay.run(stop))
        .worker("housekeeping", |stop| housekeeping.run(stop));
    Channel::SENDING.into_iter().fold(running, |running, channel| {
        let delivery = delivery(channel, use_cases, arrivals, &events.logger);
        running.worker(channel.as_str(), |stop| delivery.run(stopped(stop)))
    })
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
