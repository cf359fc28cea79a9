//! What runs beside the servers: the consumer of basket events, the relay of dead letters, housekeeping, expiry.

use std::{sync::Arc, time::Duration};

use basket_application::{BasketUseCases, commands::RemoveExpired};
use basket_events::BasketEvents;
use kernel_application::{CallContext, Caller, CommandHandler, IdGenerator, TraceContext};
use platform_messaging::{EventWorkers, topics};
use platform_runtime::{Running, StopSignal, UuidV7Generator};
use platform_telemetry::component;
use slog::{Logger, info};

const PERIOD: Duration = Duration::from_mins(10);

/// Adds the workers to what runs. The context publishes no events of its own, but dead letters leave through its outbox.
pub(crate) fn add(running: Running, events: &EventWorkers, use_cases: &BasketUseCases) -> Running {
    let handler = Arc::new(BasketEvents::new(Arc::clone(&use_cases.remove_paid_items)));
    let consumer = events.consumer("basket", &[topics::BASKET_EVENTS], handler);
    let (relay, housekeeping) = (events.relay(), events.housekeeping());
    let (remove_expired, logger) =
        (Arc::clone(&use_cases.remove_expired), component(&events.logger, "expiry"));
    running
        .worker("consumer", |stop| consumer.run(stop))
        .worker("relay", |stop| relay.run(stop))
        .worker("housekeeping", |stop| housekeeping.run(stop))
        .worker("expiry", |stop| expire(remove_expired, logger, stop))
}

/// Failures are logged by the observer around the use case; the next round comes anyway.
async fn expire(
    remove_expired: Arc<dyn CommandHandler<RemoveExpired>>,
    logger: Logger,
    mut stop: StopSignal,
) {
    while tokio::time::timeout(PERIOD, stop.wait_for(|stop| *stop)).await.is_err() {
        let id = UuidV7Generator.next();
        let ctx = CallContext::new(id.to_string(), TraceContext::start(id)).by(Caller::Trusted);
        if let Ok(rows) = remove_expired.handle(&ctx, RemoveExpired).await {
            info!(logger, "removed expired baskets"; "rows" => rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use basket_application::testing::Bench;
    use chrono::TimeDelta;
    use platform_telemetry::silent;
    use tokio::sync::watch;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_has_expired_goes_by_itself() {
        let bench = Bench::default();
        bench.create("ada").await.unwrap();
        bench.clock.advance(TimeDelta::hours(24));
        let (stop, stopping) = watch::channel(false);
        let worker = tokio::spawn(expire(bench.guarded().remove_expired, silent(), stopping));
        // The clock stands still but for this: nobody waits.
        tokio::time::sleep(PERIOD + Duration::from_secs(1)).await;
        stop.send_replace(true);
        worker.await.unwrap();
        assert_eq!(bench.remove_expired().await.unwrap(), 0, "the worker has left nothing to remove");
    }
}
