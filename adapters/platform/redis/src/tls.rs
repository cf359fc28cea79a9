//! TLS to a server that has to prove its name.

use std::{net::IpAddr, path::Path, sync::Arc};

use fred::{
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, pem::PemObject},
    },
    rustls_native_certs::load_native_certs,
    types::config::{TlsConfig, TlsConnector, TlsHostMapping},
};
use kernel_application::BoxError;

use crate::RedisConfig;

/// What connections are encrypted with; `None` for connections in the clear.
pub(crate) fn client(config: &RedisConfig) -> Result<Option<TlsConfig>, BoxError> {
    if !config.tls {
        return Ok(None);
    }
    let roots = match &config.ca_cert {
        Some(file) => roots_of(file)?,
        None => roots_of_the_system()?,
    };
    let provider = Arc::new(ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(TlsConfig { connector: TlsConnector::from(client), hostnames: hostnames(&config.host) }))
}

/// A cluster names its nodes by address. Where we were given a name, certificates have that one.
fn hostnames(host: &str) -> TlsHostMapping {
    if host.parse::<IpAddr>().is_ok() { TlsHostMapping::None } else { TlsHostMapping::DefaultHost }
}

fn roots_of(file: &Path) -> Result<RootCertStore, BoxError> {
    let fail = |error: BoxError| format!("REDIS_CA_CERT {}: {error}", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| fail(error.into()))? {
        let certificate = certificate.map_err(|error| fail(error.into()))?;
        roots.add(certificate).map_err(|error| fail(error.into()))?;
    }
    if roots.is_empty() { Err(fail("there is no certificate in it".into()).into()) } else { Ok(roots) }
}

fn roots_of_the_system() -> Result<RootCertStore, BoxError> {
    let mut roots = RootCertStore::empty();
    let found = load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this system trusts no authority: name the server's by REDIS_CA_CERT".into());
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use platform_runtime::{Settings, StorageHome};

    use super::*;

    fn config(pairs: &[(&str, &str)]) -> RedisConfig {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        RedisConfig::declare(&mut settings, StorageHome::Server)
    }

    #[test]
    fn is_off_unless_asked_for() {
        assert!(client(&config(&[])).unwrap().is_none());
    }

    #[test]
    fn a_bad_file_is_named() {
        let missing = config(&[("REDIS_TLS", "true"), ("REDIS_CA_CERT", "/no/such/ca.pem")]);
        let error = client(&missing).unwrap_err().to_string();
        assert!(error.contains("REDIS_CA_CERT /no/such/ca.pem"), "{error}");
        let no_certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let error = client(&config(&[("REDIS_TLS", "true"), ("REDIS_CA_CERT", no_certificate)])).unwrap_err();
        assert!(error.to_string().contains("no certificate"), "{error}");
    }
}
