//! What could not be processed, and sending it once more.
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
    /// Letters of other consumers, or not asked for.
    pub skipped: u64,
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
    /// Everything parked that was read from `topic`, or from all of the consumer's topics, the oldest first: letters of
    /// other consumers, too.
    pub async fn list(&self, topic: Option<&str>) -> Result<Vec<DeadLetter>, DeadLetterError> {
        let mut letters = Vec::new();
        for topic in self.chosen(topic)? {
            letters.extend(self.records(topic).await?.iter().map(DeadLetter::from));
        }
        Ok(letters)
    }

    /// Appends this consumer's letters that came since the last replay to their topics again, as they were: payload,
    /// key and headers. A letter that is parked once more is for the next replay.
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

    /// Appends the letters of one event again, however often that was done before. What [`DeadLetters::replay`] does
    /// next is not changed by it.
    pub async fn replay_event(
        &self,
        topic: Option<&str>,
        event: EventId,
    ) -> Result<Replayed, DeadLetterError> {
        let mut total = Replayed::default();
        for topic in self.chosen(topic)? {
            let records = self.records(topic).await?;
            total += self.append_again(topic, &records, |letter| letter.event_id == Some(event)).await?;
        }
        Ok(total)
    }

    /// All records in the dead letters of `topic`.
    async fn records(&self, topic: &str) -> Result<Vec<Record>, LogError> {
        let (source, mut records) = (dead_letters_of(topic), Vec::new());
        for partition in 0..self.log.partitions(&source).await? {
            let Range { start: mut offset, end } = self.log.bounds(&source, partition).await?;
            loop {
                let fetched = self.fetch(&source, partition, offset, end).await?;
                let Some(last) = fetched.last() else { break };
                offset = last.offset + 1;
                records.extend(fetched);
            }
        }
        Ok(records)
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
            total += self.append_again(topic, &records, |_| true).await?;
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

    /// Appends those of `records` that are this consumer's and wanted.
    async fn append_again(
        &self,
        topic: &str,
        records: &[Record],
        wanted: impl Fn(&DeadLetter) -> bool,
    ) -> Result<Replayed, LogError> {
        let mut done = Replayed::default();
        for record in records {
            let letter = DeadLetter::from(record);
            if letter.consumer == self.consumer && wanted(&letter) {
                let id = letter.event_id.unwrap_or_else(|| EventId::from_uuid(self.ids.next()));
                let partition = self.log.partition_of(topic, &record.key).await?;
                self.log.append(topic, partition, &[letter::original(record, topic, id)]).await?;
                done.replayed += 1;
            } else {
                done.skipped += 1;
            }
        }
        Ok(done)
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
        self.expired += other.expired;
    }
}
