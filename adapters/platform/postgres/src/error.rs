//! How PostgreSQL fails, sorted into what callers can do about it.

use diesel::result::{DatabaseErrorKind as Kind, Error};
use kernel_application::{BoxError, StoreError};

/// What a database could not be set up with.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up {store}; check DB_SSL_MODE and DB_SSL_ROOT_CERT")]
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
    /// PostgreSQL's error.
    Sql(Error),
}

impl WriteError {
    /// Whether a unique rule was broken. The transaction is over then: the closure has to return an error.
    pub const fn is_duplicate(&self) -> bool {
        matches!(self, Self::Sql(Error::DatabaseError(Kind::UniqueViolation, _)))
    }

    pub(crate) fn into_store_error(self, store: &'static str, operation: &'static str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sql(error) => match Class::of(&error) {
                Class::LostRace => StoreError::Conflict(store),
                Class::Unavailable => StoreError::Unavailable { store, operation, source: error.into() },
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Somebody else's transaction was preferred to ours, which is rolled back: load and decide again. The transaction
    /// is not repeated here: the closure decided on what it had loaded, and may have been given what it can use once.
    LostRace,
    Unavailable,
    Unexpected,
}

/// The driver keeps the kinds below and, of all other SQLSTATEs, only the message. Each line is the message of the
/// condition named beside it; there is no connection without English ones.
const UNAVAILABLE: [&str; 15] = [
    "due to statement timeout",               // 57014 query_canceled
    "due to lock timeout",                    // 55P03 lock_not_available
    "due to user request",                    // 57014, by an administrator
    "terminating connection",                 // 57P01 to 57P05, 25P03
    "terminating background worker",          // 57P01
    "the database system is",                 // 57P03 cannot_connect_now
    "server closed the connection",           // 08006 connection_failure
    "too many clients",                       // 53300 too_many_connections
    "connection slots are reserved",          // 53300
    "too many connections",                   // 53300, of a role or database
    "out of memory",                          // 53200
    "out of shared memory",                   // 53200
    "could not extend file",                  // 53100 disk_full
    "could not resize shared memory segment", // 53100
    "No space left on device",                // 53100
];

impl Class {
    fn of(error: &Error) -> Self {
        match error {
            Error::DatabaseError(Kind::SerializationFailure, _) => Self::LostRace,
            // A server is read-only after a failover, until the connection reaches the new primary.
            Error::DatabaseError(
                Kind::UnableToSendCommand | Kind::ClosedConnection | Kind::ReadOnlyTransaction,
                _,
            )
            | Error::BrokenTransactionManager => Self::Unavailable,
            Error::DatabaseError(Kind::Unknown, information) => Self::of_message(information.message()),
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::of(commit_error),
            _ => Self::Unexpected,
        }
    }

    fn of_message(message: &str) -> Self {
        if message == "deadlock detected" {
            Self::LostRace
        } else if UNAVAILABLE.iter().any(|words| message.contains(words)) {
            Self::Unavailable
        } else {
            Self::Unexpected
        }
    }
}
