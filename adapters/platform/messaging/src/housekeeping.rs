//! Removes what outbox and inbox no longer need.

use std::{sync::Arc, time::Duration};

use kernel_application::{
    StoreError,
    messaging::{Inbox, Outbox},
};
use platform_telemetry::chain;
use slog::{Logger, info, warn};
use tokio::sync::watch;

use crate::stop::Stop;

/// Published messages are kept this long, for people who look.
const OUTBOX_RETENTION: Duration = Duration::from_hours(24);
/// Handled events are remembered longer than any log keeps its records (7 days).
const INBOX_RETENTION: Duration = Duration::from_hours(8 * 24);
const PERIOD: Duration = Duration::from_mins(10);

/// A worker that purges one context's outbox and inbox every ten minutes.
pub struct Housekeeping {
    /// The outbox to purge.
    pub outbox: Arc<dyn Outbox>,
    /// The inbox to purge, where the context consumes.
    pub inbox: Option<Arc<dyn Inbox>>,
    /// Where to say how much was removed.
    pub logger: Logger,
}

impl Housekeeping {
    /// Works until `stop` turns true.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut stop = Stop::new(stop);
        while !stop.within(PERIOD).await {
            self.purge(&stop).await;
        }
    }

    async fn purge(&self, stop: &Stop) {
        let outbox = bit_by_bit(stop, || self.outbox.purge(OUTBOX_RETENTION)).await;
        let inbox = match &self.inbox {
            Some(inbox) => bit_by_bit(stop, || inbox.purge(INBOX_RETENTION)).await,
            None => Ok(0),
        };
        match (outbox, inbox) {
            (Ok(outbox), Ok(inbox)) => info!(self.logger, "purged"; "outbox" => outbox, "inbox" => inbox),
            (Err(error), _) | (_, Err(error)) => warn!(self.logger, "purge failed"; "error" => chain(&error)),
        }
    }
}

/// Repeats a purge, which removes a few rows at a time, until there is nothing left; answers how many there were.
async fn bit_by_bit<F>(stop: &Stop, some: impl Fn() -> F) -> Result<u64, StoreError>
where
    F: Future<Output = Result<u64, StoreError>>,
{
    let mut total = 0;
    while !stop.is_set() {
        match some().await? {
            0 => break,
            removed => total += removed,
        }
    }
    Ok(total)
}
