//! The write transaction: state, outbox rows and what the call has to settle, all or nothing.

use diesel::result::Error;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use kernel_application::{
    StoreError,
    messaging::{Delivery, OutboundMessage},
};

use crate::{WriteError, inbox, outbox, pool::Lent};

/// A transaction under way, handed to the closure of `Database::write`.
///
/// PostgreSQL ends a transaction at the first statement that fails: the closure has to pass that error on, there is
/// nothing left to go on with.
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
    pub fn conn(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }

    /// Puts a message into the outbox; refuses one that is too large to be published.
    pub async fn enqueue(&mut self, message: &OutboundMessage) -> Result<(), WriteError> {
        outbox::insert(self.conn(), message).await?;
        self.enqueued = true;
        Ok(())
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
