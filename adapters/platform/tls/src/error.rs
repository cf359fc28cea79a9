//! What can be wrong with files.

use std::{error::Error, path::PathBuf};

use rustls::{pki_types::pem, server::VerifierBuilderError};

/// Why files make no configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM.
    #[error("{} cannot be read as PEM", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// A file has no certificate in it.
    #[error("{} has no certificate", .0.display())]
    Empty(PathBuf),
    /// A certificate of an authority is malformed.
    #[error("{} has a certificate that cannot be used as an authority", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// The authorities of clients make no verifier.
    #[error("client certificates cannot be verified")]
    Verifier(#[from] VerifierBuilderError),
    /// Certificate and key do not belong together, or are of no kind that is known.
    #[error("certificate and key cannot be used")]
    Pair(#[from] rustls::Error),
}

impl TlsError {
    /// Whether a file could not be read at this moment, which says nothing of what is in it.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Read { source: pem::Error::Io(_), .. })
    }

    /// The error with its cause, in one line.
    pub(crate) fn told(&self) -> String {
        match self.source() {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}
