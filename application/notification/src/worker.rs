//! Keeps deliveries going: one loop per channel, so that a slow one does not hold up the others.

use std::{pin::pin, sync::Arc, time::Duration};

use kernel_application::{CallContext, Caller, CommandHandler, IdGenerator, TraceContext};
use notification_domain::Channel;
use slog::{Logger, error, info, o, warn};

use crate::{
    ArrivalSignal,
    commands::{Attempt, AttemptOutcome, DeliverDue, StopFlag},
};

/// How many notifications one round takes.
const ROUND: u32 = 64;
/// How long a worker rests after a failure of the store.
const REST: Duration = Duration::from_secs(5);

/// Delivers what is due on one channel until it is told to stop.
pub struct DeliveryWorker {
    channel: Channel,
    handler: Arc<dyn CommandHandler<DeliverDue>>,
    arrivals: Arc<dyn ArrivalSignal>,
    ids: Arc<dyn IdGenerator>,
    poll: Duration,
    logger: Logger,
}

impl DeliveryWorker {
    /// A worker that looks when something arrived, and every `poll` for retries and other replicas' notifications.
    pub fn new(
        channel: Channel,
        handler: Arc<dyn CommandHandler<DeliverDue>>,
        arrivals: Arc<dyn ArrivalSignal>,
        ids: Arc<dyn IdGenerator>,
        poll: Duration,
        logger: &Logger,
    ) -> Self {
        let logger = logger.new(o!("component" => "delivery", "channel" => channel.as_str()));
        Self { channel, handler, arrivals, ids, poll, logger }
    }

    /// Works until `stop` resolves; attempts under way are finished first, those of the round that did not begin are
    /// left for the next start.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let mut arrivals = self.arrivals.listen();
        let asked = StopFlag::default();
        tokio::pin!(stop);
        loop {
            let mut round = pin!(self.round(&asked));
            let pause = tokio::select! {
                biased;
                () = &mut stop => {
                    asked.raise();
                    round.await;
                    return;
                }
                pause = &mut round => pause,
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = arrivals.next() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Delivers what is due, and answers how long to wait then: not at all where there is probably more.
    async fn round(&self, stop: &StopFlag) -> Duration {
        let id = self.ids.next();
        let ctx = CallContext::new(id.to_string(), TraceContext::start(id)).by(Caller::Trusted);
        let due = DeliverDue { channel: self.channel, limit: ROUND, stop: stop.clone() };
        // A failure is logged by the observer around the use case.
        let Ok(attempts) = self.handler.handle(&ctx, due).await else { return self.poll.max(REST) };
        for attempt in &attempts {
            self.log(attempt);
        }
        if attempts.len() >= ROUND as usize { Duration::ZERO } else { self.poll }
    }

    fn log(&self, Attempt { notification_id, outcome }: &Attempt) {
        let id = notification_id.to_string();
        match outcome {
            AttemptOutcome::Sent => info!(self.logger, "notification sent"; "notification_id" => id),
            AttemptOutcome::WillRetry(reason) => {
                warn!(self.logger, "notification not sent, will retry"; "notification_id" => id, "error" => reason);
            }
            AttemptOutcome::Failed(reason) => {
                error!(self.logger, "notification failed"; "notification_id" => id, "error" => reason);
            }
            AttemptOutcome::Lost => {
                warn!(self.logger, "another worker took over"; "notification_id" => id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use kernel_application::testing::SequenceIds;
    use tokio::sync::Notify;

    use super::*;
    use crate::{LocalArrivals, NotificationError};

    #[derive(Default)]
    struct Rounds {
        count: AtomicU32,
        ran: Notify,
    }

    #[async_trait]
    impl CommandHandler<DeliverDue> for Rounds {
        async fn handle(&self, _: &CallContext, _: DeliverDue) -> Result<Vec<Attempt>, NotificationError> {
            self.count.fetch_add(1, Ordering::SeqCst);
            self.ran.notify_one();
            Ok(vec![])
        }
    }

    /// Works until it is asked to stop, as a round over a slow channel does.
    #[derive(Default)]
    struct Endless(Notify);

    #[async_trait]
    impl CommandHandler<DeliverDue> for Endless {
        async fn handle(&self, _: &CallContext, due: DeliverDue) -> Result<Vec<Attempt>, NotificationError> {
            self.0.notify_one();
            while !due.stop.is_raised() {
                tokio::task::yield_now().await;
            }
            Ok(vec![])
        }
    }

    #[tokio::test]
    async fn a_round_under_way_is_told_to_stop() {
        let (endless, logger) = (Arc::new(Endless::default()), Logger::root(slog::Discard, o!()));
        let (arrivals, ids) = (Arc::new(LocalArrivals::default()), Arc::new(SequenceIds::default()));
        let hour = Duration::from_hours(1);
        let worker = DeliveryWorker::new(Channel::Email, endless.clone(), arrivals, ids, hour, &logger);
        worker.run(endless.0.notified()).await;
    }

    #[tokio::test]
    async fn an_arrival_starts_a_round_and_stop_ends_them() {
        let (rounds, arrivals) = (Arc::new(Rounds::default()), Arc::new(LocalArrivals::default()));
        let logger = Logger::root(slog::Discard, o!());
        let hour = Duration::from_hours(1);
        let ids = Arc::new(SequenceIds::default());
        let worker =
            DeliveryWorker::new(Channel::Email, rounds.clone(), arrivals.clone(), ids, hour, &logger);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(worker.run(async { drop(stopped.await) }));
        rounds.ran.notified().await;
        arrivals.raise();
        rounds.ran.notified().await;
        drop(stop);
        running.await.unwrap();
        assert_eq!(rounds.count.load(Ordering::SeqCst), 2);
    }
}
