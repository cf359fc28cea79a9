//! Configuration into what rskafka takes: TLS and SASL.

use std::{path::PathBuf, sync::Arc};

use rskafka::client::{ClientBuilder, Credentials, SaslConfig};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem, pem::PemObject},
};

use crate::{KafkaConfig, Sasl, SaslMechanism};

/// Why connections cannot be protected as configured.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// The file of authorities cannot be read.
    #[error("KAFKA_CA_CERT: {} cannot be read as PEM", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// The file of authorities holds no certificate of an authority.
    #[error("KAFKA_CA_CERT: {} holds no certificate of an authority", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// rustls refuses its own defaults.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// TLS and SASL for every connection.
pub(crate) struct Security {
    tls: Option<Arc<ClientConfig>>,
    sasl: Option<SaslConfig>,
}

impl Security {
    pub(crate) fn new(config: &KafkaConfig) -> Result<Self, SecurityError> {
        let tls = config.security.has_tls().then(|| tls(config)).transpose()?;
        Ok(Self { tls, sasl: config.sasl.as_ref().map(sasl) })
    }

    pub(crate) fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        let builder = match &self.tls {
            Some(tls) => builder.tls_config(Arc::clone(tls)),
            None => builder,
        };
        match &self.sasl {
            Some(sasl) => builder.sasl_config(sasl.clone()),
            None => builder,
        }
    }
}

fn tls(config: &KafkaConfig) -> Result<Arc<ClientConfig>, SecurityError> {
    let path = config.ca_cert.clone().unwrap_or_default();
    let read = |source| SecurityError::Read { path: path.clone(), source };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(&path).map_err(read)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(read)?;
    if roots.add_parsable_certificates(certificates).0 == 0 {
        return Err(SecurityError::Empty { path });
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(SecurityError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(tls))
}

fn sasl(sasl: &Sasl) -> SaslConfig {
    let credentials = Credentials::new(sasl.username.clone(), sasl.password.expose().to_owned());
    match sasl.mechanism {
        SaslMechanism::Plain => SaslConfig::Plain(credentials),
        SaslMechanism::ScramSha256 => SaslConfig::ScramSha256(credentials),
        SaslMechanism::ScramSha512 => SaslConfig::ScramSha512(credentials),
    }
}
