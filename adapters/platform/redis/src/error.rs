//! What goes wrong, in the words of the store port.

use fred::error::{Error, ErrorKind};
use kernel_application::{BoxError, StoreError};

/// A client that cannot be made from its configuration.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare {store} at {address}")]
pub struct OpenError {
    pub(crate) store: &'static str,
    pub(crate) address: String,
    #[source]
    pub(crate) source: BoxError,
}

/// The server's words for what another try may get past, or an operator: nothing is wrong with what was asked.
const PASSING: [&str; 11] = [
    "LOADING",
    "READONLY",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "OOM",
    "MISCONF",
    "NOREPLICAS",
    "BUSY",
    "NOAUTH",
    "WRONGPASS",
];

/// The store's error for the driver's.
pub(crate) fn store_error(store: &'static str, operation: &'static str, error: Error) -> StoreError {
    if is_passing(&error) {
        StoreError::Unavailable { store, operation, source: error.into() }
    } else {
        StoreError::Failed { store, operation, source: error.into() }
    }
}

/// A server that is away shows as many kinds of error; what the server itself objects to begins with a word in capitals.
fn is_passing(error: &Error) -> bool {
    let first = error.details().split([' ', ':']).next().unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidArgument
        | ErrorKind::InvalidCommand
        | ErrorKind::Parse
        | ErrorKind::Protocol
        | ErrorKind::NotFound
        | ErrorKind::Config
        | ErrorKind::Url => false,
        ErrorKind::Unknown => PASSING.contains(&first) || !is_word_of_the_server(first),
        _ => true,
    }
}

fn is_word_of_the_server(word: &str) -> bool {
    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for (kind, details, passes) in [
            (ErrorKind::IO, "Connection reset", true),
            (ErrorKind::Timeout, "Request timed out.", true),
            (ErrorKind::Auth, "WRONGPASS invalid username-password pair", true),
            (ErrorKind::Cluster, "CLUSTERDOWN The cluster is down", true),
            (ErrorKind::Unknown, "Failed to route command.", true),
            (ErrorKind::Unknown, "READONLY You can't write against a read only replica.", true),
            (ErrorKind::Unknown, "OOM command not allowed when used memory > 'maxmemory'.", true),
            (ErrorKind::Unknown, "ERR unknown command", false),
            (ErrorKind::Unknown, "CROSSSLOT Keys in request don't hash to the same slot", false),
            (ErrorKind::Unknown, "NOPERM this user has no permissions", false),
            (ErrorKind::InvalidArgument, "WRONGTYPE Operation against a key", false),
        ] {
            let error = store_error("basket store", "save", Error::new(kind, details));
            assert_eq!(matches!(error, StoreError::Unavailable { .. }), passes, "{details}");
            assert!(!error.to_string().contains(details), "driver text must stay inside: {error}");
        }
    }
}
