//! How MariaDB fails, sorted into what callers can do about it.

use diesel::result::{DatabaseErrorKind as Kind, Error};
use kernel_application::{BoxError, StoreError};

/// What a database could not be set up with.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up {store}")]
pub struct OpenError {
    pub(crate) store: &'static str,
    #[source]
    pub(crate) source: BoxError,
}

/// Why a transaction was rolled back.
#[derive(Debug)]
pub enum WriteError {
    /// The store's verdict, such as a lost version check.
    Store(StoreError),
    /// MariaDB's error.
    Sql(Error),
    /// The server cannot be reached, is too slow, or went away in the middle of a commit.
    Away(BoxError),
}

impl WriteError {
    /// Whether a unique rule was broken. Only that statement is undone: the transaction may go on.
    pub const fn is_duplicate(&self) -> bool {
        matches!(self, Self::Sql(Error::DatabaseError(Kind::UniqueViolation, _)))
    }

    /// The name of the broken unique rule, where [`Self::is_duplicate`].
    pub fn broken_rule(&self) -> Option<&str> {
        match self {
            // Duplicate entry '…' for key 'name'
            Self::Sql(Error::DatabaseError(Kind::UniqueViolation, information)) => {
                information.message().rsplit('\'').nth(1)
            }
            _ => None,
        }
    }

    /// Whether nothing was written and the same may go well when it is done again.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Sql(error) if matches!(Class::of(error), Class::Deadlock | Class::Lost))
    }

    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Sql(error) if Class::of(error) == Class::Lost)
    }

    /// Whether the connection is of no more use: it is gone, or in the middle of an answer nobody waited for.
    pub(crate) fn breaks_connection(&self) -> bool {
        matches!(self, Self::Away(_)) || self.is_lost()
    }

    /// The same error of a statement that may have had its effect: what is lost must not be done again.
    pub(crate) fn with_unknown_outcome(self) -> Self {
        match self {
            Self::Sql(error) if Class::of(&error) == Class::Lost => Self::Away(error.into()),
            other => other,
        }
    }

    pub(crate) fn into_store_error(self, store: &'static str, operation: &'static str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Away(source) => StoreError::Unavailable { store, operation, source },
            Self::Sql(error) => match Class::of(&error) {
                Class::Deadlock | Class::Lost | Class::Unavailable => {
                    StoreError::Unavailable { store, operation, source: error.into() }
                }
                Class::Unexpected => StoreError::Failed { store, operation, source: error.into() },
            },
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

/// `false` where `inserted` broke a unique rule: somebody was faster, which is what the caller wants to know.
pub(crate) fn was_first(inserted: Result<usize, Error>) -> Result<bool, Error> {
    match inserted {
        Ok(_) => Ok(true),
        Err(Error::DatabaseError(Kind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// The server chose our transaction to end a circle of waits, and rolled all of it back.
    Deadlock,
    /// The connection is gone.
    Lost,
    /// The server is there and cannot do it for now.
    Unavailable,
    Unexpected,
}

/// Diesel keeps the kinds it knows and, of all other errors, only the message. Sessions ask for English ones.
const DEADLOCK: &str = "Deadlock found"; // 1213
const LOST: [&str; 6] = [
    "Input/output error",          // the driver: the socket
    "Driver error",                // the driver: the protocol
    "Connection was killed",       // 1927
    "Server shutdown in progress", // 1053
    "Lost connection",             // 2013
    "server has gone away",        // 2006
];
const UNAVAILABLE: [&str; 8] = [
    "Lock wait timeout exceeded",      // 1205
    "Query execution was interrupted", // 1317 by an administrator, 1969 max_statement_time
    "--read-only option",              // 1290, after a failover
    "read-only mode",                  // 1836
    "is full",                         // 1114
    "Disk full",                       // 1021
    "Too many connections",            // 1040
    "Out of memory",                   // 1037, 1041
];

impl Class {
    fn of(error: &Error) -> Self {
        match error {
            Error::DatabaseError(Kind::Unknown, information) => Self::of_message(information.message()),
            Error::DatabaseError(Kind::ReadOnlyTransaction, _) => Self::Unavailable,
            Error::BrokenTransactionManager => Self::Lost,
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::of(commit_error),
            _ => Self::Unexpected,
        }
    }

    fn of_message(message: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
        if says(&[DEADLOCK]) {
            Self::Deadlock
        } else if LOST.iter().any(|words| message.starts_with(words)) {
            Self::Lost
        } else if says(&UNAVAILABLE) {
            Self::Unavailable
        } else {
            Self::Unexpected
        }
    }
}
