//! What could not be processed, and sending it once more.
//!
//! # Whom a replay is for
//!
//! A replay appends to the topic that all its consumers read, perhaps weeks after the others applied the event, when
//! their inboxes have forgotten it. So a replayed record names the consumer that parked it, in the header `replay-for`,
//! and every other one moves past it without a look.
//!
//! # What was cut
//!
//! A payload that no outbox takes is cut before it is parked (`dead_letter` says how). Such a letter is listed, and a
//! replay passes it over and counts it: whoever published it has to do so anew, in a form that fits.
//!
//! # Order
//!
//! A record that is parked lets later ones of its key go first, and a replay comes after them. That is sound because
//! the effects of our consumers commute, so that no key has to wait for a person:
//!
//! - `stock.updated` (key: product) adds to or takes from a number. A decrease consumes what its own payment reserved
//!   and nothing else; an increase needs no reservation. If a payment's increase overtakes its decrease, the units are
//!   back while they are still reserved, and as many are available as in the right order.
//! - `payment.completed` (key: payment) adds to sales figures.
//! - `payment.…` for notifications makes a notification per event and channel, each for itself.
//! - `basket.cleared` (key: user) takes paid units out of the lines that were there when the payment was made, once
//!   per payment; lines put in since carry a later version and stay, whenever the event comes.
//!
//! A handler whose effects do not commute MUST NOT be added without parking the later records of a parked key as well.

mod letter;

use std::{ops::Range, sync::Arc, time::Duration};

use kernel_application::{
    IdGenerator, StoreError,
    messaging::{Delivery, EventLog, Inbox, LogError, Position, Record},
};
use kernel_domain::EventId;

pub use self::letter::DeadLetter;
use crate::topics::dead_letters_of;

const BATCH: u32 = 100;
/// A replay that dies is taken over after this long. Each batch takes the lease anew.
const LEASE: Duration = Duration::from_secs(30);

/// The dead letters of one consumer. `EventWorkers::dead_letters` makes it.
pub struct DeadLetters {
    /// The consumer's name.
    pub consumer: &'static str,
    /// The topics it reads.
    pub topics: Vec<&'static str>,
    /// Where the letters are.
    pub log: Arc<dyn EventLog>,
    /// Where it is remembered how far a replay has come.
    pub inbox: Arc<dyn Inbox>,
    /// Ids for letters that have none.
    pub ids: Arc<dyn IdGenerator>,
    /// Names this process among its replicas.
    pub owner: String,
}

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Letters that were appended to their topic again.
    pub replayed: u64,
    /// Letters of other consumers.
    pub skipped: u64,
    /// Letters that were cut when they were parked, and cannot be sent.
    pub cut: u64,
    /// Letters that the log has dropped since the last replay.
    pub expired: u64,
}

/// Why dead letters cannot be listed or replayed.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// The consumer does not read the topic.
    #[error("{consumer} does not consume {topic}; it consumes {}", .known.join(", "))]
    NotConsumed {
        /// The consumer.
        consumer: &'static str,
        /// What was asked for.
        topic: String,
        /// What it reads.
        known: Vec<&'static str>,
    },
    /// Another replay of the topic is under way.
    #[error("dead letters of {0} are being replayed already")]
    Busy(String),
    /// The log failed.
    #[error("dead letters cannot be read or replayed")]
    Log(#[from] LogError),
    /// The store of the positions failed.
    #[error("position of the replay cannot be kept")]
    Store(#[from] StoreError),
}

impl DeadLetters {
    /// What this consumer parked of `topic`, or of all its topics, the oldest of each first.
    pub async fn list(&self, topic: Option<&str>) -> Result<Vec<DeadLetter>, DeadLetterError> {
        let mut letters = Vec::new();
        for topic in self.chosen(topic)? {
            let source = dead_letters_of(topic);
            for partition in 0..self.log.partitions(&source).await? {
                self.list_partition(&source, partition, &mut letters).await?;
            }
        }
        Ok(letters)
    }

    /// Appends this consumer's letters that came since the last replay to their topics again, for this consumer alone:
    /// payload, key and headers as they were parked. A letter that is parked once more is for the next replay.
    ///
    /// At least once: a replay that is cut off may repeat some. A consumer that has applied an event takes it for the
    /// duplicate it is; one that parked it has not remembered it, and tries it anew.
    pub async fn replay(&self, topic: Option<&str>) -> Result<Replayed, DeadLetterError> {
        let mut total = Replayed::default();
        for topic in self.chosen(topic)? {
            let source = dead_letters_of(topic);
            for partition in 0..self.log.partitions(&source).await? {
                total += self.replay_partition(topic, &source, partition).await?;
            }
        }
        Ok(total)
    }

    /// Adds the consumer's own letters of one partition; payloads and letters of others are not kept.
    async fn list_partition(
        &self,
        source: &str,
        partition: u32,
        letters: &mut Vec<DeadLetter>,
    ) -> Result<(), LogError> {
        let Range { start: mut offset, end } = self.log.bounds(source, partition).await?;
        loop {
            let records = self.fetch(source, partition, offset, end).await?;
            let Some(last) = records.last() else { return Ok(()) };
            offset = last.offset + 1;
            letters.extend(records.iter().map(DeadLetter::from).filter(|letter| self.is_own(letter)));
        }
    }

    async fn replay_partition(
        &self,
        topic: &str,
        source: &str,
        partition: u32,
    ) -> Result<Replayed, DeadLetterError> {
        let (consumer, mut total) = (format!("{}-dlq-replay", self.consumer), Replayed::default());
        let bounds = self.log.bounds(source, partition).await?;
        loop {
            let taken = self.inbox.take(&consumer, source, partition, &self.owner, LEASE).await?;
            let position = taken.ok_or_else(|| DeadLetterError::Busy(topic.to_owned()))?;
            let from = position.next_offset.max(bounds.start);
            total.expired += u64::try_from(from - position.next_offset).unwrap_or(0);
            let records = self.fetch(source, partition, from, bounds.end).await?;
            total += self.append_again(topic, &records).await?;
            let next = records.last().map_or(from, |last| last.offset + 1);
            if next > position.next_offset {
                self.inbox.advance(&step(&consumer, source, partition, position, next)).await?;
            }
            if records.is_empty() {
                self.inbox.release(&consumer, source, partition, position.epoch).await?;
                return Ok(total);
            }
        }
    }

    /// Appends those of `records` that are this consumer's and whole.
    async fn append_again(&self, topic: &str, records: &[Record]) -> Result<Replayed, LogError> {
        let mut done = Replayed::default();
        for record in records {
            let letter = DeadLetter::from(record);
            if !self.is_own(&letter) {
                done.skipped += 1;
            } else if letter.cut_from.is_some() {
                done.cut += 1;
            } else {
                let id = letter.event_id.unwrap_or_else(|| EventId::from_uuid(self.ids.next()));
                let partition = self.log.partition_of(topic, &record.key).await?;
                let again = letter::original(record, topic, self.consumer, id);
                self.log.append(topic, partition, &[again]).await?;
                done.replayed += 1;
            }
        }
        Ok(done)
    }

    fn is_own(&self, letter: &DeadLetter) -> bool {
        letter.consumer == self.consumer
    }

    /// Some records from `offset` on, none at or past `end`: what a replay parks again must not keep it going.
    async fn fetch(
        &self,
        source: &str,
        partition: u32,
        offset: i64,
        end: i64,
    ) -> Result<Vec<Record>, LogError> {
        if offset >= end {
            return Ok(vec![]);
        }
        let mut records = self.log.fetch(source, partition, offset, BATCH, Duration::from_secs(1)).await?;
        records.retain(|record| record.offset < end);
        Ok(records)
    }

    fn chosen(&self, topic: Option<&str>) -> Result<Vec<&'static str>, DeadLetterError> {
        let Some(topic) = topic else { return Ok(self.topics.clone()) };
        let own = self.topics.iter().find(|own| **own == topic);
        own.map(|own| vec![*own]).ok_or_else(|| DeadLetterError::NotConsumed {
            consumer: self.consumer,
            topic: topic.to_owned(),
            known: self.topics.clone(),
        })
    }
}

fn step(consumer: &str, source: &str, partition: u32, position: Position, next: i64) -> Delivery {
    Delivery {
        consumer: consumer.to_owned(),
        topic: source.to_owned(),
        partition,
        epoch: position.epoch,
        expected: position.next_offset,
        next,
        event_id: None,
    }
}

impl std::ops::AddAssign for Replayed {
    fn add_assign(&mut self, other: Self) {
        self.replayed += other.replayed;
        self.skipped += other.skipped;
        self.cut += other.cut;
        self.expired += other.expired;
    }
}
