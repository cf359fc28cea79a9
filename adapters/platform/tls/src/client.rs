//! Whom a client trusts, and what it shows.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::{Source, TlsError, pem};

/// The files of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// The authorities of servers; the system's where none are given.
    pub authorities: Option<PathBuf>,
    /// What the client shows a server that asks.
    pub identity: Option<Identity>,
}

/// A client's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The chain of certificates, the client's own first.
    pub certificate: PathBuf,
    /// The key of the first certificate.
    pub key: PathBuf,
}

impl Source for ClientFiles {
    type Config = ClientConfig;

    fn files(&self) -> Vec<&Path> {
        let identity = self.identity.iter().flat_map(|own| [own.certificate.as_path(), &own.key]);
        self.authorities.as_deref().into_iter().chain(identity).collect()
    }

    fn load(&self) -> Result<ClientConfig, TlsError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?;
        let builder = builder.with_root_certificates(match &self.authorities {
            Some(path) => pem::authorities(path)?,
            None => of_the_system(),
        });
        match &self.identity {
            Some(Identity { certificate, key }) => {
                Ok(builder.with_client_auth_cert(pem::certificates(certificate)?, pem::key(key)?)?)
            }
            None => Ok(builder.with_no_client_auth()),
        }
    }
}

/// What cannot be read is left out: a system without authorities is one that trusts nobody.
fn of_the_system() -> RootCertStore {
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    authorities
}
