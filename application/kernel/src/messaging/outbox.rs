//! The outbox: messages written with the state, published afterwards.

use std::time::Duration;

use async_trait::async_trait;
use kernel_domain::Timestamp;
use shaku::Interface;

use super::OutboundMessage;
use crate::StoreError;

/// Below every id of an outbox: where a round begins.
pub const FIRST: i64 = 0;

/// The most rows that one call of a `purge` removes: a delete of millions would hold locks and fill the disk's log for
/// minutes.
pub const PURGE_LIMIT: u32 = 1_000;

/// The reading side of a context's outbox; repositories write it inside their transactions.
///
/// A write whose payload is above [`MAX_PAYLOAD`](super::MAX_PAYLOAD) MUST fail, with its transaction
/// ([`OutboundMessage::check_size`]). So MAY one whose key is longer than [`MAX_KEY`](super::MAX_KEY). Whatever else is
/// in a message is kept: dead letters carry what strangers wrote, made fit as [`Inbox::dead_letter`](super::Inbox) says.
///
/// A home MAY restrict what fills the outbox, and says so in its docs. Where a save cannot share a transaction with it,
/// as on a cluster of Redis, whose scripts touch one slot only, the context's aggregates MUST NOT record events, and the
/// outbox has nothing but dead letters, which leave with the move of a position. A context that publishes needs a home
/// whose transactions span its state and its outbox.
#[async_trait]
pub trait Outbox: Interface {
    /// Takes or renews the relay's lease: `true` while `owner` holds it. One relay works at a time, or keys lose their order.
    async fn lease(&self, owner: &str, ttl: Duration) -> Result<bool, StoreError>;

    /// Up to `limit` unpublished messages whose id is above `after`, in the order they were written.
    ///
    /// A round MUST begin at [`FIRST`]: ids are given before their transactions commit, so that a lower one may show up
    /// later. Reading on from a higher id within the round is how a relay gets past messages that have to wait.
    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<StoredMessage>, StoreError>;

    /// Marks messages as published.
    async fn mark_published(&self, ids: &[i64]) -> Result<(), StoreError>;

    /// Removes messages published more than `retention` ago, at most [`PURGE_LIMIT`] of them, and answers how many. Who
    /// wants all of them gone asks again until none was left.
    async fn purge(&self, retention: Duration) -> Result<u64, StoreError>;

    /// How much waits.
    async fn stats(&self) -> Result<OutboxStats, StoreError>;

    /// Resolves when something may have been written since the last call; may resolve for nothing.
    async fn wait(&self);
}

/// A message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its place in the outbox: per aggregate, in commit order.
    pub id: i64,
    /// The message.
    pub message: OutboundMessage,
}

/// How much waits in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxStats {
    /// Unpublished messages.
    pub backlog: u64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
}
