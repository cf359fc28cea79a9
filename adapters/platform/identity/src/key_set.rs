//! The public keys of an issuer, as a JSON Web Key Set (RFC 7517).

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

/// Keys by name. Each set that is read has a version of its own, so that what older keys verified can be told apart.
pub(crate) struct KeySet {
    keys: HashMap<String, VerifyingKey>,
    version: u64,
}

/// A key, and the one algorithm it is for.
#[derive(Debug)]
pub(crate) struct VerifyingKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

/// A set that is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeySetError {
    #[error("it is no JSON Web Key Set")]
    Shape(#[source] serde_json::Error),
    #[error("it has two keys called `{0}`")]
    Ambiguous(String),
    #[error("it has no key with a `kid` for RS256 (2048 bits or more), ES256 or EdDSA (Ed25519)")]
    Nothing,
}

#[derive(Deserialize)]
struct Wire {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a set. Keys for other purposes are left aside, as the RFC asks: issuers publish theirs beside ours.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let wire: Wire = serde_json::from_slice(json).map_err(KeySetError::Shape)?;
        let mut keys = HashMap::new();
        for (kid, key) in wire.keys.into_iter().filter_map(usable) {
            if keys.contains_key(&kid) {
                return Err(KeySetError::Ambiguous(kid));
            }
            keys.insert(kid, key);
        }
        if keys.is_empty() {
            return Err(KeySetError::Nothing);
        }
        Ok(Self { keys, version: NEXT.fetch_add(1, Ordering::Relaxed) })
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.get(kid)
    }

    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// The names of the keys, for the log.
    pub(crate) fn names(&self) -> String {
        let mut names: Vec<&str> = self.keys.keys().map(String::as_str).collect();
        names.sort_unstable();
        names.join(", ")
    }
}

fn usable(key: Value) -> Option<(String, VerifyingKey)> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let (algorithm, name) = algorithm(&jwk.algorithm)?;
    let agrees = jwk.common.key_algorithm.is_none_or(|said| said == name);
    let kid = jwk.common.key_id.clone().filter(|kid| !kid.is_empty())?;
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    (signs && agrees).then_some((kid, VerifyingKey { algorithm, key }))
}

/// The algorithm is a matter of the key alone. A symmetric key has none: it cannot be public.
fn algorithm(parameters: &AlgorithmParameters) -> Option<(Algorithm, KeyAlgorithm)> {
    match parameters {
        AlgorithmParameters::RSA(rsa) if is_long(&rsa.n) => Some((Algorithm::RS256, KeyAlgorithm::RS256)),
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            Some((Algorithm::ES256, KeyAlgorithm::ES256))
        }
        AlgorithmParameters::OctetKeyPair(ed) if ed.curve == EllipticCurve::Ed25519 => {
            Some((Algorithm::EdDSA, KeyAlgorithm::EdDSA))
        }
        _ => None,
    }
}

/// Whether a modulus, in base64url, has 2048 bits or more.
fn is_long(modulus: &str) -> bool {
    const BYTES: usize = 2048 / 8;
    modulus.len() * 3 / 4 >= BYTES
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{testing::TestIssuer, tests::keys};

    fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    #[test]
    fn a_key_is_for_the_algorithm_of_its_type() {
        let set = parse(&[keys::ed25519(), keys::p256(), keys::rsa()]).unwrap();
        let algorithm = |kid| set.find(kid).map(|key| key.algorithm);
        assert_eq!(algorithm("ed"), Some(Algorithm::EdDSA));
        assert_eq!(algorithm("ec"), Some(Algorithm::ES256));
        assert_eq!(algorithm("rsa"), Some(Algorithm::RS256));
        assert_eq!(algorithm("other"), None);
        assert_eq!(set.names(), "ec, ed, rsa");
    }

    #[test]
    fn keys_for_other_purposes_are_left_aside() {
        let aside = [
            with(keys::rsa(), "use", json!("enc")),
            with(keys::rsa(), "alg", json!("PS256")),
            with(keys::rsa(), "alg", json!("ES256")),
            with(keys::rsa(), "n", json!("AQAB")),
            with(keys::rsa(), "kid", Value::Null),
            with(keys::p256(), "crv", json!("P-384")),
            with(keys::p256(), "crv", json!("secp256k1")),
            with(keys::ed25519(), "kid", json!("")),
            json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256" }),
            json!({ "kty": "AKP", "kid": "tomorrow", "pub": "AAAA" }),
            json!("not a key"),
        ];
        for key in &aside {
            assert!(matches!(parse(std::slice::from_ref(key)), Err(KeySetError::Nothing)), "{key}");
        }
        let all: Vec<Value> = aside.into_iter().chain([keys::ed25519()]).collect();
        assert_eq!(parse(&all).unwrap().names(), "ed");
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in ["", "{}", "[]", r#"{"keys":{}}"#, "<html>"] {
            assert!(matches!(KeySet::parse(text.as_bytes()), Err(KeySetError::Shape(_))), "{text}");
        }
        assert!(matches!(parse(&[]), Err(KeySetError::Nothing)));
    }

    #[test]
    fn two_keys_of_one_name_are_refused() {
        let twin = with(keys::p256(), "kid", json!("ed"));
        assert!(matches!(parse(&[keys::ed25519(), twin]), Err(KeySetError::Ambiguous(kid)) if kid == "ed"));
    }

    #[test]
    fn each_set_has_another_version() {
        let jwks = TestIssuer::new().jwks();
        let versions = [(); 2].map(|()| KeySet::parse(jwks.as_bytes()).unwrap().version());
        assert_ne!(versions[0], versions[1]);
    }
}
