//! The write transaction: state, outbox rows and what the call has to settle, all or nothing.

use diesel::{
    SqliteConnection,
    result::{DatabaseErrorKind, Error},
};
use kernel_application::{
    Claim, StoreError,
    messaging::{Delivery, OutboundMessage},
};

use crate::{idempotency, inbox, outbox, time::micros};

/// A transaction under way, handed to the closure of `Database::write`.
pub struct Tx<'a> {
    connection: &'a mut SqliteConnection,
    store: &'static str,
    enqueued: bool,
}

impl<'a> Tx<'a> {
    pub(crate) const fn new(connection: &'a mut SqliteConnection, store: &'static str) -> Self {
        Self { connection, store, enqueued: false }
    }

    /// The connection inside the transaction.
    pub const fn conn(&mut self) -> &mut SqliteConnection {
        self.connection
    }

    /// Puts a message into the outbox; refuses one that is too large to be published.
    pub fn enqueue(&mut self, message: &OutboundMessage) -> Result<(), WriteError> {
        message.check_size().map_err(|source| StoreError::Failed {
            store: self.store,
            operation: "write outbox",
            source: source.into(),
        })?;
        outbox::insert(self.connection, message, micros(chrono::Utc::now()))?;
        self.enqueued = true;
        Ok(())
    }

    /// Settles an idempotency key with its answer; fails with [`StoreError::Fenced`] where the key was lost.
    pub fn settle_claim(&mut self, claim: &Claim, answer: &[u8]) -> Result<(), WriteError> {
        if idempotency::settle(self.connection, claim, answer)? {
            Ok(())
        } else {
            Err(StoreError::Fenced.into())
        }
    }

    pub(crate) const fn has_enqueued(&self) -> bool {
        self.enqueued
    }
}

/// Why a transaction was rolled back.
#[derive(Debug)]
pub enum WriteError {
    /// The store's verdict, such as a lost version check.
    Store(StoreError),
    /// SQLite's error.
    Sql(Error),
}

impl WriteError {
    /// Whether a unique rule was broken.
    pub const fn is_duplicate(&self) -> bool {
        matches!(self, Self::Sql(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }

    pub(crate) fn into_store_error(self, store: &'static str, operation: &'static str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sql(error) if is_busy(&error) => {
                StoreError::Unavailable { store, operation, source: error.into() }
            }
            Self::Sql(error) => StoreError::Failed { store, operation, source: error.into() },
        }
    }
}

impl From<StoreError> for WriteError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

pub(crate) enum Written<T> {
    Done(T),
    AlreadyApplied,
}

/// Moves the position, then remembers the event: `false` where the event was applied before.
pub(crate) fn settle(connection: &mut SqliteConnection, delivery: &Delivery) -> Result<bool, WriteError> {
    if !inbox::advance(connection, delivery)? {
        return Err(StoreError::Fenced.into());
    }
    Ok(inbox::remember(connection, delivery)?)
}

/// SQLite reports a lock that outlasted the busy timeout, and files that went away, as unknown kinds with these words.
fn is_busy(error: &Error) -> bool {
    let Error::DatabaseError(_, information) = error else { return false };
    ["locked", "busy", "unable to open", "disk I/O", "disk is full", "readonly"]
        .iter()
        .any(|words| information.message().contains(words))
}
