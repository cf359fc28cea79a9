//! The write transaction: state, outbox rows and what the call has to settle, all or nothing.

use std::slice;

use diesel::result::Error;
use diesel_async::{AnsiTransactionManager, AsyncMysqlConnection, TransactionManager};
use kernel_application::{
    Claim, StoreError,
    messaging::{Delivery, OutboundMessage},
};

use crate::{WriteError, idempotency, inbox, outbox, pool::Lent};

/// A transaction under way, handed to the closure of `Database::write`.
pub struct Tx {
    connection: Lent,
    enqueued: bool,
}

impl Tx {
    pub(crate) async fn begin(mut connection: Lent) -> Result<Self, Error> {
        AnsiTransactionManager::begin_transaction(&mut *connection).await?;
        Ok(Self { connection, enqueued: false })
    }

    /// The connection inside the transaction.
    pub fn conn(&mut self) -> &mut AsyncMysqlConnection {
        &mut self.connection
    }

    /// Puts a message into the outbox.
    pub async fn enqueue(&mut self, message: &OutboundMessage) -> Result<(), WriteError> {
        self.enqueue_all(slice::from_ref(message)).await
    }

    /// Puts messages into the outbox, to be published in this order.
    pub async fn enqueue_all(&mut self, messages: &[OutboundMessage]) -> Result<(), WriteError> {
        outbox::insert(self.conn(), messages).await?;
        self.enqueued |= !messages.is_empty();
        Ok(())
    }

    /// Settles an idempotency key with its answer; fails with [`StoreError::Fenced`] where the key was lost.
    pub async fn settle_claim(&mut self, claim: &Claim, answer: &[u8]) -> Result<(), WriteError> {
        if idempotency::settle(self.conn(), claim, answer).await? {
            Ok(())
        } else {
            Err(StoreError::Fenced.into())
        }
    }

    /// Ends the transaction and answers whether it put something into the outbox.
    pub(crate) async fn commit(mut self) -> Result<bool, Error> {
        AnsiTransactionManager::commit_transaction(&mut *self.connection).await?;
        self.connection.give_back();
        Ok(self.enqueued)
    }

    /// Undoes all of it. Where even that fails, the connection is closed and the server undoes it.
    pub(crate) async fn roll_back(mut self) {
        if AnsiTransactionManager::rollback_transaction(&mut *self.connection).await.is_ok() {
            self.connection.give_back();
        }
    }

    /// Moves the position, then remembers the event: `false` where the event was applied before.
    pub(crate) async fn settle(&mut self, delivery: &Delivery) -> Result<bool, WriteError> {
        if !inbox::advance(self.conn(), delivery).await? {
            return Err(StoreError::Fenced.into());
        }
        Ok(inbox::remember(self.conn(), delivery).await?)
    }
}

pub(crate) enum Written<T> {
    Done(T),
    AlreadyApplied,
}
