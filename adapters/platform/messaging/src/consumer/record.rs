//! Deals with one record: applied, skipped or parked, whatever it takes.
//!
//! A record costs one round trip, the transaction of its effect: the store tells a duplicate there
//! ([`HandleError::AlreadyApplied`]). The inbox is asked only where the write may not have come to that: before a second
//! try, because the answer of the first may be lost, and before a refused record is parked.
//!
//! A record that was sent once more for another consumer is passed without a look, and its event is not remembered: this
//! consumer may have parked the same event itself, and wait for a replay of its own.

use kernel_application::{
    BoxError, CallContext, Caller, TraceContext,
    messaging::{ConsumeOutcome, Delivery, Record},
};
use kernel_domain::EventId;
use platform_telemetry::chain;
use slog::{error, warn};

use super::{
    ConsumerParts,
    reader::{Reader, TurnError},
};
use crate::{
    CloudEvent, HandleError, Handled, InvalidEvent,
    backoff::Backoff,
    dead_letter::{dead_letter, is_for_another},
};

/// A record that was tried this often and took the process down each time is parked.
const MAX_ATTEMPTS: u32 = 5;

/// One try: done with an outcome, or to be repeated.
enum Try {
    Done(ConsumeOutcome),
    Again(BoxError),
}

impl Reader {
    /// Applies, skips or parks a record; tries again for as long as a failure is transient.
    pub(super) async fn deal_with(&mut self, record: &Record, suspicious: bool) -> Result<(), TurnError> {
        let outcome = if is_for_another(record, self.parts.name) {
            self.parts.inbox.advance(&self.delivery(record, None)).await?;
            ConsumeOutcome::Ignored
        } else {
            self.process(record, suspicious).await?
        };
        self.parts.observer.consumed(self.topic, outcome);
        self.position.next_offset = after(record);
        Ok(())
    }

    async fn process(&mut self, record: &Record, suspicious: bool) -> Result<ConsumeOutcome, TurnError> {
        let event = CloudEvent::decode(&record.payload);
        let delivery = self.delivery(record, event.as_ref().ok().map(|event| event.id));
        // The first record of a turn may be the one that ended the turn before.
        if suspicious && self.parts.inbox.attempt(&delivery).await? > MAX_ATTEMPTS {
            return self.park(record, &delivery, "processing was cut off at this record five times").await;
        }
        self.apply_at_last(record, &delivery, event.as_ref()).await
    }

    async fn apply_at_last(
        &mut self,
        record: &Record,
        delivery: &Delivery,
        event: Result<&CloudEvent, &InvalidEvent>,
    ) -> Result<ConsumeOutcome, TurnError> {
        let event = match event {
            Ok(event) => event,
            Err(invalid) => return self.park(record, delivery, &invalid.to_string()).await,
        };
        let mut backoff = Backoff::new();
        let mut tried = self.apply(record, delivery, event).await?;
        loop {
            let failure = match tried {
                Try::Done(outcome) => return Ok(outcome),
                Try::Again(failure) => failure,
            };
            self.parts.observer.consumed(self.topic, ConsumeOutcome::Retried);
            warn!(self.logger, "event failed, will try again"; "offset" => record.offset, "error" => chain(&*failure));
            if self.stop.within(backoff.next()).await {
                return Err(TurnError::Stopped);
            }
            self.renew().await?;
            tried = match self.skip_duplicate(delivery, event).await? {
                Some(outcome) => Try::Done(outcome),
                None => self.apply(record, delivery, event).await?,
            };
        }
    }

    async fn apply(
        &self,
        record: &Record,
        delivery: &Delivery,
        event: &CloudEvent,
    ) -> Result<Try, TurnError> {
        let ConsumerParts { inbox, handler, .. } = &*self.parts;
        Ok(Try::Done(match handler.handle(&self.context(event, delivery), event).await {
            Ok(Handled::Applied) => ConsumeOutcome::Applied,
            Ok(Handled::Ignored) => {
                inbox.advance(delivery).await?;
                ConsumeOutcome::Ignored
            }
            Err(HandleError::AlreadyApplied) => ConsumeOutcome::Duplicate,
            Err(HandleError::Poison(reason)) => match self.skip_duplicate(delivery, event).await? {
                Some(outcome) => outcome,
                None => self.park(record, delivery, &reason).await?,
            },
            Err(HandleError::Transient(failure)) => return Ok(Try::Again(failure)),
        }))
    }

    /// Moves past an event that was applied; where the move was made with the effect, the turn ends as fenced.
    async fn skip_duplicate(
        &self,
        delivery: &Delivery,
        event: &CloudEvent,
    ) -> Result<Option<ConsumeOutcome>, TurnError> {
        let ConsumerParts { name, inbox, .. } = &*self.parts;
        if !inbox.seen(name, event.id).await? {
            return Ok(None);
        }
        inbox.advance(delivery).await?;
        Ok(Some(ConsumeOutcome::Duplicate))
    }

    async fn park(
        &self,
        record: &Record,
        delivery: &Delivery,
        reason: &str,
    ) -> Result<ConsumeOutcome, TurnError> {
        let ConsumerParts { name, inbox, ids, .. } = &*self.parts;
        error!(self.logger, "record goes to the dead letters"; "offset" => record.offset, "reason" => reason);
        let dead = dead_letter(record, name, reason, EventId::from_uuid(ids.next()));
        inbox.dead_letter(delivery, dead).await?;
        Ok(ConsumeOutcome::DeadLettered)
    }

    fn context(&self, event: &CloudEvent, delivery: &Delivery) -> CallContext {
        let id = self.parts.ids.next();
        let trace = event.trace.map_or_else(|| TraceContext::start(id), |trace| trace.child(id));
        CallContext::new(event.id.to_string(), trace).by(Caller::Trusted).with_delivery(delivery.clone())
    }

    fn delivery(&self, record: &Record, event_id: Option<EventId>) -> Delivery {
        Delivery {
            consumer: self.parts.name.to_owned(),
            topic: self.topic.to_owned(),
            partition: self.partition,
            epoch: self.position.epoch,
            expected: self.position.next_offset,
            next: after(record),
            event_id,
        }
    }
}

/// The offset of the record that comes next.
const fn after(record: &Record) -> i64 {
    record.offset.saturating_add(1)
}
