//! What can be wrong with files.

use std::path::PathBuf;

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
