//! TLS as `DB_SSL_MODE` asks for it. The modes differ in how the server's certificate is checked.

use std::{path::Path, sync::Arc};

use kernel_application::BoxError;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

use crate::{PgConfig, SslMode};

/// What connections are encrypted with; `None` for connections in the clear.
pub(crate) fn client(config: &PgConfig) -> Result<Option<ClientConfig>, BoxError> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let roots = || roots(config.ssl_root_cert.as_deref());
    let verifier: Arc<dyn ServerCertVerifier> = match config.ssl_mode {
        SslMode::Disable => return Ok(None),
        SslMode::Require => Arc::new(Chain { algorithms, roots: None }),
        SslMode::VerifyCa => Arc::new(Chain { algorithms, roots: Some(roots()?) }),
        SslMode::VerifyFull => full(&provider, roots()?)?,
    };
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Some(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

fn full(
    provider: &Arc<CryptoProvider>,
    roots: RootCertStore,
) -> Result<Arc<dyn ServerCertVerifier>, BoxError> {
    let provider = Arc::clone(provider);
    Ok(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?)
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, BoxError> {
    let file = file.ok_or("DB_SSL_ROOT_CERT is not set")?;
    let fail = |error: BoxError| format!("DB_SSL_ROOT_CERT {}: {error}", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| fail(error.into()))? {
        let certificate = certificate.map_err(|error| fail(error.into()))?;
        roots.add(certificate).map_err(|error| fail(error.into()))?;
    }
    if roots.is_empty() { Err(fail("there is no certificate in it".into()).into()) } else { Ok(roots) }
}

/// Checks who signed the server's certificate, but not for which name; without `roots`, not even that.
///
/// `require` promises that nobody can listen, as PostgreSQL's own clients do, and nothing about whom we talk to: a
/// server is commonly installed with a certificate that it signed itself, which no verification would accept. Who wants
/// to be sure of the other side says `verify-full`.
#[derive(Debug)]
struct Chain {
    algorithms: WebPkiSupportedAlgorithms,
    roots: Option<RootCertStore>,
}

impl ServerCertVerifier for Chain {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
