//! The inbox: how far a consumer has come, kept with the effects of what it consumed.

use std::time::Duration;

use async_trait::async_trait;
use kernel_domain::EventId;
use shaku::Interface;

use super::OutboundMessage;
use crate::StoreError;

/// One record being handled. A store that writes its effect MUST, in the same transaction and first, move the
/// position from `expected` to `next` under `epoch` (else [`StoreError::Fenced`]) and remember `event_id`
/// (else, with the move kept, [`StoreError::AlreadyApplied`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Who consumes.
    pub consumer: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The fencing number of the lease.
    pub epoch: i64,
    /// The offset the position must have.
    pub expected: i64,
    /// The offset it gets.
    pub next: i64,
    /// The event's id; `None` for a record too broken to have one.
    pub event_id: Option<EventId>,
}

/// A partition held under a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The fencing number.
    pub epoch: i64,
    /// The next offset to handle.
    pub next_offset: i64,
}

/// Positions and handled events of one context's consumers.
#[async_trait]
pub trait Inbox: Interface {
    /// Says that `owner` is alive for `ttl` and answers how many owners of the consumer are, this one among them: what a
    /// fair share is reckoned from.
    async fn join(&self, consumer: &str, owner: &str, ttl: Duration) -> Result<u32, StoreError>;

    /// Says that `owner` is gone, so that the others need not wait until its time is over.
    async fn leave(&self, consumer: &str, owner: &str) -> Result<(), StoreError>;

    /// Lets a consumer that never was at the partition begin at `start`; does nothing where it has a position. Without it,
    /// a position begins at 0.
    async fn begin(&self, consumer: &str, topic: &str, partition: u32, start: i64) -> Result<(), StoreError>;

    /// Takes a partition that is free, ours, or whose lease ran out; `None` where another owner holds it. Adds 1 to the epoch.
    async fn take(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Position>, StoreError>;

    /// Renews the lease; `false` where it is lost.
    async fn renew(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        epoch: i64,
        ttl: Duration,
    ) -> Result<bool, StoreError>;

    /// Counts one more try of the record at the position, before it is tried: a record that kills the process is
    /// known by its count. Getting past it, or giving the partition up in good order, starts the count anew.
    async fn attempt(&self, delivery: &Delivery) -> Result<u32, StoreError>;

    /// Gives the partition up in good order.
    async fn release(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        epoch: i64,
    ) -> Result<(), StoreError>;

    /// Whether the event was applied.
    async fn seen(&self, consumer: &str, event_id: EventId) -> Result<bool, StoreError>;

    /// Moves past a record that has no effect, and remembers its event.
    async fn advance(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// Moves past a record and puts `dead` into the outbox, in one transaction. The event was not applied and is not
    /// remembered, or its replay would be taken for a duplicate.
    ///
    /// MUST take every letter of at most [`MAX_PAYLOAD`](super::MAX_PAYLOAD) bytes whose key has at most
    /// [`MAX_KEY`](super::MAX_KEY) characters, and which has no control characters in key and headers, whatever else is
    /// in it: a letter that is refused blocks its partition.
    async fn dead_letter(&self, delivery: &Delivery, dead: OutboundMessage) -> Result<(), StoreError>;

    /// Forgets events handled more than `retention` ago, which MUST exceed the log's, at most
    /// [`PURGE_LIMIT`](super::PURGE_LIMIT) of them, and answers how many.
    async fn purge(&self, retention: Duration) -> Result<u64, StoreError>;
}
