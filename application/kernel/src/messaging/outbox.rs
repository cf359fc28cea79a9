//! The outbox: messages written with the state, published afterwards.

use std::time::Duration;

use async_trait::async_trait;
use kernel_domain::Timestamp;
use shaku::Interface;

use super::OutboundMessage;
use crate::StoreError;

/// The reading side of a context's outbox; repositories write it inside their transactions.
#[async_trait]
pub trait Outbox: Interface {
    /// Takes or renews the relay's lease: `true` while `owner` holds it. One relay works at a time, or keys lose their order.
    async fn lease(&self, owner: &str, ttl: Duration) -> Result<bool, StoreError>;

    /// Up to `limit` unpublished messages in the order they were written.
    async fn pending(&self, limit: u32) -> Result<Vec<StoredMessage>, StoreError>;

    /// Marks messages as published.
    async fn mark_published(&self, ids: &[i64]) -> Result<(), StoreError>;

    /// Removes messages published more than `retention` ago and answers how many.
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
