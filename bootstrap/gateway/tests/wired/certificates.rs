//! An authority of a test's own, what it signs, and clients that believe it.

use std::{net::SocketAddr, path::Path, sync::Arc};

use platform_testkit::data_dir;
use platform_tls::{ClientFiles, Identity, ServerFiles, Source};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName};

/// Signs certificates, which lie in its folder.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// Paths of a certificate and its key.
pub(crate) type Pair = (String, String);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut about = CertificateParams::default();
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(about, KeyPair::generate().unwrap()).unwrap();
        let folder = data_dir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    /// The file with its own certificate.
    pub(crate) fn file(&self) -> String {
        self.path("ca.pem")
    }

    /// A certificate for `localhost`, signed by it.
    pub(crate) fn issue(&self, name: &str) -> Pair {
        self.issue_for(name, &["localhost"])
    }

    /// The same, for other hosts than `localhost`.
    pub(crate) fn issue_for(&self, name: &str, hosts: &[&str]) -> Pair {
        let files = (self.path(&format!("{name}.pem")), self.path(&format!("{name}-key.pem")));
        self.sign(&files, hosts);
        files
    }

    /// Replaces both files.
    pub(crate) fn issue_into(&self, files: &Pair) {
        self.sign(files, &["localhost"]);
    }

    fn sign(&self, (certificate, key): &Pair, hosts: &[&str]) {
        let own = KeyPair::generate().unwrap();
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let about = CertificateParams::new(hosts).unwrap();
        std::fs::write(certificate, about.signed_by(&own, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(key, own.serialize_pem()).unwrap();
    }

    /// What a server needs that shows `pair`, and lets clients of `clients` in.
    pub(crate) fn server(pair: &Pair, clients: Option<&Self>) -> ServerFiles {
        ServerFiles {
            certificate: Path::new(&pair.0).into(),
            key: Path::new(&pair.1).into(),
            client_authorities: clients.map(|clients| clients.file().into()),
        }
    }

    /// A connection to a server that this authority has signed.
    pub(crate) async fn connect(
        &self,
        addr: SocketAddr,
        protocol: &str,
        identity: Option<&Pair>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let identity =
            identity.map(|(certificate, key)| Identity { certificate: certificate.into(), key: key.into() });
        let mut config = ClientFiles { authorities: Some(self.file().into()), identity }.load().unwrap();
        config.alpn_protocols = vec![protocol.into()];
        let socket = TcpStream::connect(addr).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, socket).await
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}
