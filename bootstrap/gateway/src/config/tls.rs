//! Certificates: what the gateway shows its clients and its backends, and whom of them it believes.

use std::path::PathBuf;

use platform_runtime::Settings;
use platform_tls::{ClientFiles, Identity, ServerFiles};

/// The files that connections are encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// For clients; without them the listener speaks cleartext.
    pub server: Option<ServerFiles>,
    /// For backends whose URL begins with `https`.
    pub client: ClientFiles,
}

pub(super) fn declare(settings: &mut Settings) -> TlsFiles {
    TlsFiles { server: server(settings), client: client(settings) }
}

fn server(settings: &mut Settings) -> Option<ServerFiles> {
    let about =
        "the chain of certificates that clients are shown, as PEM; without it the port speaks cleartext";
    let certificate = file(settings, "TLS_CERT_FILE", about);
    let key = file(settings, "TLS_KEY_FILE", "the key of TLS_CERT_FILE, as PEM");
    let about = "authorities as PEM; clients without a certificate of theirs are turned away";
    let client_authorities = file(settings, "TLS_CLIENT_CA_FILE", about);
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(ServerFiles { certificate, key, client_authorities }),
        (None, None) => {
            if client_authorities.is_some() {
                settings.refuse("TLS_CLIENT_CA_FILE", "needs TLS_CERT_FILE and TLS_KEY_FILE");
            }
            None
        }
        (Some(_), None) => refuse(settings, "TLS_KEY_FILE", "must be set with TLS_CERT_FILE"),
        (None, Some(_)) => refuse(settings, "TLS_CERT_FILE", "must be set with TLS_KEY_FILE"),
    }
}

fn client(settings: &mut Settings) -> ClientFiles {
    let about = "authorities of https backends as PEM; the system's without it";
    let authorities = file(settings, "UPSTREAM_TLS_CA_FILE", about);
    let about = "the chain of certificates that https backends are shown, as PEM";
    let certificate = file(settings, "UPSTREAM_TLS_CERT_FILE", about);
    let key = file(settings, "UPSTREAM_TLS_KEY_FILE", "the key of UPSTREAM_TLS_CERT_FILE, as PEM");
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            refuse(settings, "UPSTREAM_TLS_KEY_FILE", "must be set with UPSTREAM_TLS_CERT_FILE")
        }
        (None, Some(_)) => {
            refuse(settings, "UPSTREAM_TLS_CERT_FILE", "must be set with UPSTREAM_TLS_KEY_FILE")
        }
    };
    ClientFiles { authorities, identity }
}

fn file(settings: &mut Settings, name: &'static str, about: &'static str) -> Option<PathBuf> {
    settings.optional(name, about).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn refuse<T>(settings: &mut Settings, name: &str, rule: &str) -> Option<T> {
    settings.refuse(name, rule);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Result<TlsFiles, String> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let files = declare(&mut settings);
        settings.finish().map(|()| files).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_encrypted_unless_it_is_asked_for() {
        assert_eq!(read(&[]), Ok(TlsFiles { server: None, client: ClientFiles::default() }));
    }

    #[test]
    fn pairs_are_read_together() {
        let files = read(&[
            ("TLS_CERT_FILE", "a"),
            ("TLS_KEY_FILE", "b"),
            ("TLS_CLIENT_CA_FILE", "c"),
            ("UPSTREAM_TLS_CA_FILE", "d"),
            ("UPSTREAM_TLS_CERT_FILE", "e"),
            ("UPSTREAM_TLS_KEY_FILE", "f"),
        ]);
        let TlsFiles { server, client } = files.unwrap();
        assert_eq!(server.unwrap().client_authorities, Some("c".into()));
        assert_eq!(client.authorities, Some("d".into()));
        assert_eq!(client.identity, Some(Identity { certificate: "e".into(), key: "f".into() }));
    }

    #[test]
    fn half_a_pair_is_refused_by_the_name_of_the_other_half() {
        for (given, missing) in [
            ("TLS_CERT_FILE", "TLS_KEY_FILE"),
            ("TLS_KEY_FILE", "TLS_CERT_FILE"),
            ("TLS_CLIENT_CA_FILE", "TLS_CERT_FILE"),
            ("UPSTREAM_TLS_CERT_FILE", "UPSTREAM_TLS_KEY_FILE"),
            ("UPSTREAM_TLS_KEY_FILE", "UPSTREAM_TLS_CERT_FILE"),
        ] {
            let problems = read(&[(given, "a")]).unwrap_err();
            assert!(problems.contains(missing), "{given}: {problems}");
        }
    }
}
