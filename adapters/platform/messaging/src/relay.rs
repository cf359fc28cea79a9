//! Carries messages from an outbox to the log.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use kernel_application::{
    BoxError, Clock,
    messaging::{EventLog, MessagingObserver, OutboundMessage, Outbox, StoredMessage},
};
use platform_telemetry::chain;
use slog::{Logger, error};
use tokio::sync::watch;

use crate::{backoff::Backoff, stop::Stop};

const BATCH: u32 = 500;
const LEASE: Duration = Duration::from_secs(6);
const RENEWAL: Duration = Duration::from_secs(2);
/// How long a relay without lease waits before it asks again.
const STANDBY: Duration = Duration::from_secs(1);
/// A message written by another process is found after this long at the latest.
const POLL: Duration = Duration::from_millis(500);

/// The relay of one context: reads what is not yet published in the order it was written, appends it, marks it.
///
/// A crash between append and mark publishes again; consumers tell duplicates by the event id. A partition stops at
/// its first error, so that a key's order is kept; the others go on.
pub struct Relay {
    /// Where messages wait.
    pub outbox: Arc<dyn Outbox>,
    /// Where they go.
    pub log: Arc<dyn EventLog>,
    /// The time, for the age of the oldest message.
    pub clock: Arc<dyn Clock>,
    /// Who takes the figures.
    pub observer: Arc<dyn MessagingObserver>,
    /// Names this process among its replicas.
    pub owner: String,
    /// Where failures are logged.
    pub logger: Logger,
}

impl Relay {
    /// Works until `stop` turns true; finishes the batch in hand.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut stop = Stop::new(stop);
        let mut backoff = Backoff::new();
        let mut leased = None;
        while !stop.is_set() {
            let pause = match self.round(&mut leased).await {
                Ok(Round::Published) => {
                    backoff.reset();
                    continue;
                }
                Ok(Round::Empty) => {
                    stop.or(tokio::time::timeout(POLL, self.outbox.wait())).await;
                    continue;
                }
                Ok(Round::Standby) => STANDBY,
                Err(failure) => {
                    error!(self.logger, "relay failed, will try again"; "error" => chain(&*failure));
                    backoff.next()
                }
            };
            stop.within(pause).await;
        }
    }

    async fn round(&self, leased: &mut Option<Instant>) -> Result<Round, BoxError> {
        if leased.is_none_or(|since| since.elapsed() >= RENEWAL) {
            // The lease counts from before it was asked for: whatever the store takes is not ours.
            let asked = Instant::now();
            *leased = self.outbox.lease(&self.owner, LEASE).await?.then_some(asked);
        }
        if leased.is_none() {
            return Ok(Round::Standby);
        }
        let pending = self.outbox.pending(BATCH).await?;
        self.observer.outbox(self.outbox.stats().await?, self.clock.now());
        if pending.is_empty() {
            return Ok(Round::Empty);
        }
        let (batches, mut failed) = self.by_partition(pending).await;
        for ((topic, partition), batch) in batches {
            if let Err(failure) = self.publish(&topic, partition, batch).await {
                failed = Some(failure);
            }
        }
        failed.map_or(Ok(Round::Published), Err)
    }

    /// Messages by where they go, and the last failure: one that has nowhere to go does not hold up the others.
    async fn by_partition(&self, pending: Vec<StoredMessage>) -> (Batches, Option<BoxError>) {
        let (mut batches, mut failed) = (Batches::new(), None);
        for stored in pending {
            let OutboundMessage { topic, key, .. } = &stored.message;
            match self.log.partition_of(topic, key).await {
                Ok(partition) => batches.entry((topic.clone(), partition)).or_default().push(stored),
                Err(failure) => failed = Some(failure.into()),
            }
        }
        (batches, failed)
    }

    async fn publish(&self, topic: &str, partition: u32, batch: Vec<StoredMessage>) -> Result<(), BoxError> {
        let (ids, messages): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|stored| (stored.id, stored.message)).unzip();
        self.log.append(topic, partition, &messages).await?;
        self.outbox.mark_published(&ids).await?;
        self.observer.published(topic, ids.len() as u64);
        Ok(())
    }
}

/// Messages in order, by topic and partition.
type Batches = BTreeMap<(String, u32), Vec<StoredMessage>>;

enum Round {
    Published,
    Empty,
    Standby,
}
