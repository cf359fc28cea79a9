//! What the sandbox needs from outside: a ledger that lasts, and somebody who calls merchants back.

use async_trait::async_trait;
use kernel_application::{CallContext, StoreError};
use kernel_domain::Timestamp;
use provider_domain::{Callback, Charge, ChargeId, LedgerKey, Refund};
use shaku::Interface;

use crate::{ChargeView, EntryView, RefundView, TotalView};

/// The writing side of the ledger. Lines are added and never changed; one per kind and key, forever.
#[async_trait]
pub trait ChargeRepository: Interface {
    /// The charge, with its refunds summed up.
    async fn find(&self, id: ChargeId) -> Result<Option<Charge>, StoreError>;

    /// The charge made under a key.
    async fn find_by_key(&self, key: &LedgerKey) -> Result<Option<Charge>, StoreError>;

    /// The refund made under a key.
    async fn find_refund(&self, key: &LedgerKey) -> Result<Option<Refund>, StoreError>;

    /// Adds a charge and what is to be called back, in one transaction. Where the key has a charge already, nothing is
    /// written and the error MUST be [`StoreError::Duplicate`].
    async fn add(&self, ctx: &CallContext, charge: &Charge, callbacks: &[Callback])
    -> Result<(), StoreError>;

    /// Adds a refund that `charge` allowed. Where the charge was refunded since it was loaded, the error MUST be
    /// [`StoreError::Conflict`]; where the key has a refund already, [`StoreError::Duplicate`].
    async fn add_refund(&self, ctx: &CallContext, charge: &Charge, refund: &Refund)
    -> Result<(), StoreError>;

    /// Notes that a call under the key was turned away: `true` the first time.
    async fn turn_away(&self, ctx: &CallContext, key: &LedgerKey) -> Result<bool, StoreError>;
}

/// The reading side of the ledger.
#[async_trait]
pub trait LedgerQueries: Interface {
    /// The charge made under a key.
    async fn charge_by_key(&self, key: &LedgerKey) -> Result<Option<ChargeView>, StoreError>;

    /// The refund made under a key.
    async fn refund_by_key(&self, key: &LedgerKey) -> Result<Option<RefundView>, StoreError>;

    /// Up to `limit` lines with numbers above `after`, in order.
    async fn entries(&self, after: i64, limit: u32) -> Result<Vec<EntryView>, StoreError>;

    /// The totals of the references, by reference; references without lines are left out.
    async fn totals(&self, references: Vec<String>) -> Result<Vec<TotalView>, StoreError>;
}

/// Callbacks that wait to be sent.
#[async_trait]
pub trait CallbackQueue: Interface {
    /// Up to `limit` callbacks whose time has come, in the order they were added.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<QueuedCallback>, StoreError>;

    /// Takes a callback out: it was sent, or it is given up.
    async fn remove(&self, id: i64) -> Result<(), StoreError>;

    /// Counts a failed attempt and lets the callback rest until `until`.
    async fn postpone(&self, id: i64, until: Timestamp) -> Result<(), StoreError>;
}

/// A callback in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedCallback {
    /// Its place in the queue.
    pub id: i64,
    /// How often sending it has failed.
    pub attempts: u32,
    /// What is to be sent.
    pub callback: Callback,
}

/// Sends callbacks to merchants.
#[async_trait]
pub trait CallbackSender: Interface {
    /// Signs and sends; `Ok` where the merchant answers with 2xx, otherwise what went wrong, in words.
    async fn send(&self, callback: &Callback) -> Result<(), String>;
}
