//! An authority of its own for each instance, and a certificate for this machine signed by it.

use super::secret;
use crate::failure::{Context, Outcome};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use std::fs;
use std::path::{Path, PathBuf};

/// PEM files.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    pub(super) authority: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Certificates {
    /// Where they are, or will be.
    pub(super) fn of(instance: &Path) -> Self {
        let file = |name: &str| instance.join("tls").join(name);
        Self { authority: file("ca.pem"), certificate: file("cert.pem"), key: file("key.pem") }
    }

    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    pub(crate) fn key(&self) -> &Path {
        &self.key
    }

    /// Makes them where they are not there yet; the key comes last.
    pub(crate) fn provide(instance: &Path) -> Outcome<Self> {
        let files = Self::of(instance);
        if !files.key.exists() {
            let folder = instance.join("tls");
            fs::create_dir_all(&folder).context(|| format!("creating {}", folder.display()))?;
            files.issue()?;
        }
        Ok(files)
    }

    fn issue(&self) -> Outcome {
        let doing = || "making a certificate".to_owned();
        let authority = CertifiedIssuer::self_signed(authority(), KeyPair::generate().context(doing)?);
        let authority = authority.context(doing)?;
        let key = KeyPair::generate().context(doing)?;
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let mut about = CertificateParams::new(names).context(doing)?;
        about.distinguished_name.push(DnType::CommonName, "localhost");
        about.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        about.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        about.use_authority_key_identifier_extension = true;
        let certificate = about.signed_by(&key, &authority).context(doing)?;
        let write = |path: &Path, text: String| {
            fs::write(path, text).context(|| format!("writing {}", path.display()))
        };
        write(&self.authority, authority.pem())?;
        write(&self.certificate, certificate.pem())?;
        secret::write(&self.key, &key.serialize_pem())
    }
}

fn authority() -> CertificateParams {
    let mut about = CertificateParams::default();
    about.distinguished_name.push(DnType::CommonName, "servers of cargo xtask");
    about.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    about.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    about
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = Certificates::provide(folder.path()).unwrap();
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert!(read(&files.authority).starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(read(&files.key).starts_with("-----BEGIN PRIVATE KEY-----"), "PKCS 8, which Kafka asks for");
        let before = read(&files.certificate);
        assert_ne!(before, read(&files.authority));
        Certificates::provide(folder.path()).unwrap();
        assert_eq!(before, read(&files.certificate));
    }
}
