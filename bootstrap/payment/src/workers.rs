//! What runs beside the servers: relay, recovery, housekeeping, and on the server home the migrations until they are done.

use std::{sync::Arc, time::Duration};

use kernel_application::{Clock, IdGenerator};
use payment_application::{KEY_RETENTION, PaymentRepository, PaymentUseCases, process::Recovery};
use platform_events::Events;
use platform_messaging::EventWorkers;
use platform_runtime::{Running, StopSignal};
use platform_telemetry::component;
use slog::{Logger, warn};

use crate::resources::{Resources, Store};

const PERIOD: Duration = Duration::from_mins(10);
/// Records stay in the embedded log for this long: less than inboxes remember events.
const LOG_RETENTION: Duration = Duration::from_hours(7 * 24);

/// The worker that brings payments left behind to their end.
pub(crate) fn recovery(
    payments: Arc<dyn PaymentRepository>,
    use_cases: &PaymentUseCases,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    logger: &Logger,
) -> Recovery {
    let recover = Arc::clone(&use_cases.recover_payment);
    Recovery { payments, recover, clock, ids, logger: component(logger, "recovery") }
}

/// Adds the workers to what runs.
pub(crate) fn add(
    running: Running,
    resources: &Resources,
    events: &EventWorkers,
    recovery: Recovery,
) -> Running {
    let (relay, housekeeping) = (events.relay(), events.housekeeping());
    let (store, log) = (resources.store.clone(), resources.events.clone());
    let logger = component(&events.logger, "retention");
    let running = match resources.store.clone() {
        Store::Embedded(_) => running,
        Store::Server(db) => {
            running.worker("migrations", |stop| async move { db.keep_migrating(stop).await })
        }
    };
    running
        .worker("relay", |stop| relay.run(stop))
        .worker("recovery", |stop| recovery.run(stop))
        .worker("housekeeping", |stop| housekeeping.run(stop))
        .worker("retention", |stop| retain(store, log, logger, stop))
}

/// This service writes the log, so it is the one that removes old records where nobody else does; keys go with their time.
async fn retain(store: Store, log: Events, logger: Logger, mut stop: StopSignal) {
    while tokio::time::timeout(PERIOD, stop.wait_for(|stop| *stop)).await.is_err() {
        let purged = async {
            store.purge_keys(KEY_RETENTION.to_std().unwrap_or_default()).await?;
            log.purge(LOG_RETENTION).await
        };
        if let Err(error) = purged.await {
            warn!(logger, "old records could not be removed"; "error" => %error);
        }
    }
}
