//! The issuer's key: Ed25519, kept as a JSON Web Key.

use crate::failure::{Context, Failure, Outcome};
use crate::servers::secret;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const SEED: usize = 32;

#[derive(Debug)]
pub(super) struct Key(Ed25519KeyPair);

impl Key {
    /// The key in that file, or a new one. Where two processes begin together, both take the key of the faster one.
    pub(super) fn provide(path: &Path) -> Outcome<Self> {
        if !path.exists() {
            make(path)?;
        }
        let text = fs::read(path).context(|| format!("reading {}", path.display()))?;
        read(&text).ok_or_else(|| {
            let shown = path.display();
            Failure::new(format!("{shown} is no key; remove it, and tokens made so far are worth nothing"))
        })
    }

    /// The public half, as a key of a set.
    pub(super) fn public(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid(), "x": x })
    }

    /// A JSON Web Token.
    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "EdDSA", "kid": self.kid() });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// Another key has another name: whoever has old keys notices, and asks for new ones.
    fn kid(&self) -> String {
        URL_SAFE_NO_PAD.encode(&digest(&SHA256, self.0.public_key().as_ref()).as_ref()[..9])
    }
}

fn make(path: &Path) -> Outcome {
    let mut seed = [0; SEED];
    SystemRandom::new().fill(&mut seed).context(|| "asking for random numbers".to_owned())?;
    let text = json!({ "kty": "OKP", "crv": "Ed25519", "d": URL_SAFE_NO_PAD.encode(seed) }).to_string();
    let draft = draft(path);
    secret::write(&draft, &text)?;
    // Unlike a renaming, a link never replaces what is there.
    let linked = fs::hard_link(&draft, path);
    drop(fs::remove_file(&draft));
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).context(|| format!("writing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// A name beside `path` that no other thread or process has.
pub(super) fn draft(path: &Path) -> PathBuf {
    path.with_extension(format!("{}-{:?}.draft", std::process::id(), std::thread::current().id()))
}

fn read(text: &[u8]) -> Option<Key> {
    let key: Value = serde_json::from_slice(text).ok()?;
    let seed = URL_SAFE_NO_PAD.decode(key["d"].as_str()?).ok()?;
    Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(Key)
}
