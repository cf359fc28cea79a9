//! What a server shows, and whom it lets in.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    crypto::ring::{self, Ticketer},
    server::WebPkiClientVerifier,
};

use crate::{Source, TlsError, pem};

/// The files of a server. It speaks HTTP/2 and HTTP/1.1, whichever the client likes better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    /// The chain of certificates, the server's own first.
    pub certificate: PathBuf,
    /// The key of the first certificate.
    pub key: PathBuf,
    /// The authorities of clients. Where they are given, a client without a certificate of theirs is turned away.
    pub client_authorities: Option<PathBuf>,
}

impl Source for ServerFiles {
    type Config = ServerConfig;

    fn files(&self) -> Vec<&Path> {
        let clients = self.client_authorities.as_deref();
        [self.certificate.as_path(), &self.key].into_iter().chain(clients).collect()
    }

    fn load(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions()?;
        let builder = match &self.client_authorities {
            Some(path) => {
                let authorities = Arc::new(pem::authorities(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider).build()?;
                builder.with_client_cert_verifier(verifier)
            }
            None => builder.with_no_client_auth(),
        };
        let mut config =
            builder.with_single_cert(pem::certificates(&self.certificate)?, pem::key(&self.key)?)?;
        config.alpn_protocols = ["h2", "http/1.1"].map(Into::into).to_vec();
        // Clients that come back are spared a whole handshake, at no memory here. The keys of tickets are as old as the
        // configuration: one that trusts fewer authorities takes none of those that others were given.
        config.ticketer = Ticketer::new()?;
        Ok(config)
    }
}
