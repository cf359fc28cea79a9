//! Reads one partition under a lease.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kernel_application::{
    BoxError, CallContext, StoreError, TraceContext,
    messaging::{ConsumeOutcome, Delivery, Position, Record},
};
use kernel_domain::EventId;
use platform_telemetry::chain;
use slog::{Logger, error, info, warn};

use crate::{
    CloudEvent, ConsumerParts, HandleError, Handled, InvalidEvent, backoff::Backoff,
    dead_letter::dead_letter, stop::Stop,
};

const LEASE: Duration = Duration::from_secs(6);
const RENEWAL: Duration = Duration::from_secs(2);
/// How long another owner's partition is left alone before it is asked for again.
const STANDBY: Duration = Duration::from_secs(1);
const BATCH: u32 = 100;
/// A record that was tried this often and took the process down each time is parked.
const MAX_ATTEMPTS: u32 = 5;

/// The reader of one partition.
pub(crate) struct PartitionReader {
    parts: Arc<ConsumerParts>,
    topic: &'static str,
    partition: u32,
    logger: Logger,
}

/// Why a reader gave up its turn: it takes the partition anew.
enum TurnError {
    /// The position is no longer ours, or not what we thought.
    Fenced,
    /// A store or the log failed.
    Failed(BoxError),
}

impl PartitionReader {
    pub(crate) const fn new(
        parts: Arc<ConsumerParts>,
        topic: &'static str,
        partition: u32,
        logger: Logger,
    ) -> Self {
        Self { parts, topic, partition, logger }
    }

    pub(crate) async fn run(self, mut stop: Stop) {
        let mut backoff = Backoff::new();
        while !stop.is_set() {
            let pause = match self.turn(&mut stop, &mut backoff).await {
                Ok(()) => STANDBY,
                Err(TurnError::Fenced) => continue,
                Err(TurnError::Failed(failure)) => {
                    warn!(self.logger, "partition cannot be read for now"; "error" => chain(&*failure));
                    backoff.next()
                }
            };
            stop.within(pause).await;
        }
    }

    /// Takes the partition and reads it until the service stops or something fails.
    async fn turn(&self, stop: &mut Stop, backoff: &mut Backoff) -> Result<(), TurnError> {
        let ConsumerParts { name, inbox, owner, .. } = &*self.parts;
        let Some(mut position) = inbox.take(name, self.topic, self.partition, owner, LEASE).await? else {
            return Ok(());
        };
        let turn = self.read(&mut position, stop, backoff).await;
        if !matches!(turn, Err(TurnError::Fenced)) {
            // The turn ended with the process alive, so the record at hand is not one that kills it: counting starts anew.
            inbox.release(name, self.topic, self.partition, position.epoch).await?;
        }
        turn
    }

    /// Reads a partition that is ours until the service stops or something fails.
    async fn read(
        &self,
        position: &mut Position,
        stop: &mut Stop,
        backoff: &mut Backoff,
    ) -> Result<(), TurnError> {
        let log = &self.parts.log;
        let bounds = log.bounds(self.topic, self.partition).await?;
        self.start_where_the_log_does(position, bounds.start).await?;
        if position.next_offset < bounds.start || position.next_offset > bounds.end {
            return self.halt(*position, &bounds, stop).await;
        }
        let mut renewed = Instant::now();
        let mut suspicious = true;
        while !stop.is_set() {
            let fetch = log.fetch(self.topic, self.partition, position.next_offset, BATCH, RENEWAL);
            let Some(records) = stop.or(fetch).await else { break };
            let records = records?;
            backoff.reset();
            for record in &records {
                if stop.is_set() {
                    break;
                }
                self.renew(*position, &mut renewed).await?;
                self.deal_with(record, position, suspicious, &mut renewed, stop).await?;
                suspicious = false;
            }
            self.renew(*position, &mut renewed).await?;
            self.report_lag(*position).await?;
        }
        Ok(())
    }

    /// A consumer that never was here before begins with the oldest record there is.
    async fn start_where_the_log_does(&self, position: &mut Position, start: i64) -> Result<(), TurnError> {
        let never_moved = position.epoch == 1 && position.next_offset == 0;
        if never_moved && start > 0 {
            let skip = Delivery {
                consumer: self.parts.name.to_owned(),
                topic: self.topic.to_owned(),
                partition: self.partition,
                epoch: position.epoch,
                expected: position.next_offset,
                next: start,
                event_id: None,
            };
            self.parts.inbox.advance(&skip).await?;
            position.next_offset = start;
        }
        Ok(())
    }

    async fn renew(&self, position: Position, renewed: &mut Instant) -> Result<(), TurnError> {
        if renewed.elapsed() < RENEWAL {
            return Ok(());
        }
        let ConsumerParts { name, inbox, .. } = &*self.parts;
        if !inbox.renew(name, self.topic, self.partition, position.epoch, LEASE).await? {
            return Err(TurnError::Fenced);
        }
        *renewed = Instant::now();
        Ok(())
    }

    /// Applies, skips or parks one record; tries again for as long as a failure is transient.
    async fn deal_with(
        &self,
        record: &Record,
        position: &mut Position,
        suspicious: bool,
        renewed: &mut Instant,
        stop: &mut Stop,
    ) -> Result<(), TurnError> {
        let event = CloudEvent::decode(&record.payload);
        let delivery = self.delivery(record, *position, event.as_ref().ok().map(|event| event.id));
        // The first record of a turn may be the one that ended the turn before.
        if suspicious && self.parts.inbox.attempt(&delivery).await? > MAX_ATTEMPTS {
            self.park(record, &delivery, "processing was cut off at this record five times").await?;
        } else {
            let mut backoff = Backoff::new();
            while let Err(failure) = self.apply(record, &delivery, event.as_ref()).await? {
                self.parts.observer.consumed(self.topic, ConsumeOutcome::Retried);
                warn!(self.logger, "event failed, will try again"; "offset" => record.offset, "error" => chain(&*failure));
                if stop.within(backoff.next()).await {
                    return Err(TurnError::Fenced);
                }
                self.renew(*position, renewed).await?;
            }
        }
        position.next_offset = delivery.next;
        Ok(())
    }

    /// One try: `Ok(Err(…))` where it should be repeated.
    async fn apply(
        &self,
        record: &Record,
        delivery: &Delivery,
        event: Result<&CloudEvent, &InvalidEvent>,
    ) -> Result<Result<(), BoxError>, TurnError> {
        let ConsumerParts { name, inbox, handler, observer, .. } = &*self.parts;
        let event = match event {
            Ok(event) => event,
            Err(invalid) => return self.park(record, delivery, &invalid.to_string()).await.map(Ok),
        };
        let outcome = if inbox.seen(name, event.id).await? {
            inbox.advance(delivery).await?;
            ConsumeOutcome::Duplicate
        } else {
            match handler.handle(&self.context(event, delivery), event).await {
                Ok(Handled::Applied) => ConsumeOutcome::Applied,
                Ok(Handled::Ignored) => {
                    inbox.advance(delivery).await?;
                    ConsumeOutcome::Ignored
                }
                Err(HandleError::Poison(reason)) => {
                    return self.park(record, delivery, &reason).await.map(Ok);
                }
                Err(HandleError::Transient(failure)) => return Ok(Err(failure)),
            }
        };
        observer.consumed(self.topic, outcome);
        Ok(Ok(()))
    }

    async fn park(&self, record: &Record, delivery: &Delivery, reason: &str) -> Result<(), TurnError> {
        let ConsumerParts { name, inbox, ids, observer, .. } = &*self.parts;
        error!(self.logger, "record goes to the dead letters"; "offset" => record.offset, "reason" => reason);
        let dead = dead_letter(record, name, reason, EventId::from_uuid(ids.next()));
        inbox.dead_letter(delivery, dead).await?;
        observer.consumed(self.topic, ConsumeOutcome::DeadLettered);
        Ok(())
    }

    fn context(&self, event: &CloudEvent, delivery: &Delivery) -> CallContext {
        let id = self.parts.ids.next();
        let trace = event.trace.map_or_else(|| TraceContext::start(id), |trace| trace.child(id));
        CallContext::new(event.id.to_string(), trace).with_delivery(delivery.clone())
    }

    fn delivery(&self, record: &Record, position: Position, event_id: Option<EventId>) -> Delivery {
        Delivery {
            consumer: self.parts.name.to_owned(),
            topic: self.topic.to_owned(),
            partition: self.partition,
            epoch: position.epoch,
            expected: position.next_offset,
            next: record.offset.saturating_add(1),
            event_id,
        }
    }

    async fn report_lag(&self, position: Position) -> Result<(), TurnError> {
        let end = self.parts.log.bounds(self.topic, self.partition).await?.end;
        let lag = end.saturating_sub(position.next_offset);
        self.parts.observer.lag(self.topic, self.partition, u64::try_from(lag).unwrap_or(0));
        Ok(())
    }

    /// The log no longer holds what comes next. Going on elsewhere would lose events, so a person must decide.
    async fn halt(
        &self,
        position: Position,
        bounds: &std::ops::Range<i64>,
        stop: &mut Stop,
    ) -> Result<(), TurnError> {
        error!(self.logger, "partition halted: the log does not hold the next record";
            "next_offset" => position.next_offset, "log_start" => bounds.start, "log_end" => bounds.end);
        stop.within(Duration::from_mins(1)).await;
        info!(self.logger, "looking at the halted partition again");
        Ok(())
    }
}

impl From<StoreError> for TurnError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Fenced => Self::Fenced,
            other => Self::Failed(other.into()),
        }
    }
}

impl From<kernel_application::messaging::LogError> for TurnError {
    fn from(error: kernel_application::messaging::LogError) -> Self {
        Self::Failed(error.into())
    }
}
