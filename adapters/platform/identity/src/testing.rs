//! An issuer for tests: makes tokens that are good, and every kind that is not.

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use platform_runtime::SystemClock;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::{
    Authenticator,
    key_set::KeySet,
    keys::Keys,
    verifier::{Issuer, Verifier},
};

/// For how many seconds the tokens are good.
const TTL: u64 = 3600;
/// For how many more they are believed.
const LEEWAY: u64 = crate::claims::LEEWAY.unsigned_abs();

/// An issuer with an Ed25519 key of its own.
pub struct TestIssuer {
    key: Ed25519KeyPair,
    kid: String,
}

impl TestIssuer {
    /// `iss` of its tokens.
    pub const ISSUER: &str = "https://issuer.test";
    /// `aud` of its tokens.
    pub const AUDIENCE: &str = "shop";

    /// An issuer with a fresh key, which no other issuer has.
    ///
    /// # Panics
    /// Where the machine has no random numbers.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each one is another")]
    #[expect(clippy::expect_used, reason = "a test can do nothing without a key")]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let random = SystemRandom::new();
        let document = Ed25519KeyPair::generate_pkcs8(&random).expect("random numbers");
        let key = Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("the key just made");
        Self { key, kid: format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed)) }
    }

    /// An authenticator that believes this issuer and nobody else.
    ///
    /// # Panics
    /// Never, unless this module is broken.
    #[expect(clippy::expect_used, reason = "a test can do nothing without keys")]
    pub fn authenticator(&self) -> Authenticator {
        let keys = KeySet::parse(self.jwks().as_bytes()).expect("the keys of a test issuer");
        let issuer = Issuer { name: Self::ISSUER.to_owned(), audience: Self::AUDIENCE.to_owned() };
        Authenticator::new(Verifier::new(Keys::fixed(keys), &issuer, Arc::new(SystemClock)))
    }

    /// Its public key as a JSON Web Key Set.
    pub fn jwks(&self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    /// Its public key.
    pub fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x })
    }

    /// The variables of a service that believes this issuer; puts the keys into `folder` as `jwks.json`.
    pub fn environment(&self, folder: &Path) -> io::Result<Vec<(&'static str, String)>> {
        let file = folder.join("jwks.json");
        fs::write(&file, self.jwks())?;
        Ok(vec![
            ("AUTH_MODE", "required".to_owned()),
            ("AUTH_JWKS_FILE", file.display().to_string()),
            ("AUTH_ISSUER", Self::ISSUER.to_owned()),
            ("AUTH_AUDIENCE", Self::AUDIENCE.to_owned()),
        ])
    }

    /// [`environment`](Self::environment) of a service that calls others as `account`, with the role `service`.
    pub fn caller_environment(
        &self,
        folder: &Path,
        account: &str,
    ) -> io::Result<Vec<(&'static str, String)>> {
        let file = folder.join(format!("{account}.token"));
        fs::write(&file, self.token(account, &["service"]))?;
        let mut variables = self.environment(folder)?;
        variables.push(("SERVICE_TOKEN_FILE", file.display().to_string()));
        Ok(variables)
    }

    /// A good token of `user`.
    pub fn token(&self, user: &str, roles: &[&str]) -> String {
        self.sign(&self.claims(user, roles))
    }

    /// A good token as the value of the `authorization` header.
    pub fn bearer(&self, user: &str, roles: &[&str]) -> String {
        format!("Bearer {}", self.token(user, roles))
    }

    /// The claims of a good token, to be changed and [signed](Self::sign).
    pub fn claims(&self, user: &str, roles: &[&str]) -> Value {
        let now = now();
        json!({
            "sub": user,
            "roles": roles,
            "iss": Self::ISSUER,
            "aud": Self::AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + TTL,
        })
    }

    /// The header of a good token, to be changed and [signed](Self::sign_as).
    pub fn header(&self) -> Value {
        json!({ "typ": "JWT", "alg": "EdDSA", "kid": self.kid })
    }

    /// A token with `claims`, signed as it should be.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    /// A token with `header` and `claims`, signed with this issuer's key, whatever the header says.
    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = self.key.sign(message.as_bytes());
        join(&message, signature.as_ref())
    }

    /// A good token that is believed for `seconds` more, or up to one less.
    pub fn lasting(&self, user: &str, roles: &[&str], seconds: u64) -> String {
        let end = now() + seconds - LEEWAY;
        self.with(user, roles, &[("nbf", json!(end - TTL)), ("exp", json!(end))])
    }

    /// A token whose time was over an hour ago.
    pub fn expired(&self, user: &str, roles: &[&str]) -> String {
        let past = now().saturating_sub(TTL);
        self.with(user, roles, &[("nbf", json!(past - TTL)), ("exp", json!(past))])
    }

    /// A token whose time begins in an hour.
    pub fn not_yet_valid(&self, user: &str, roles: &[&str]) -> String {
        let later = now() + TTL;
        self.with(user, roles, &[("nbf", json!(later)), ("exp", json!(later + TTL))])
    }

    /// A token for somebody else.
    pub fn wrong_audience(&self, user: &str, roles: &[&str]) -> String {
        self.with(user, roles, &[("aud", json!("another-shop"))])
    }

    /// A token that says another issuer made it.
    pub fn wrong_issuer(&self, user: &str, roles: &[&str]) -> String {
        self.with(user, roles, &[("iss", json!("https://elsewhere.test"))])
    }

    /// A token that says it needs no signature.
    pub fn alg_none(&self, user: &str, roles: &[&str]) -> String {
        let header = json!({ "typ": "JWT", "alg": "none", "kid": self.kid });
        join(&message(&header, &self.claims(user, roles)), b"")
    }

    /// A token signed with HMAC, with the public key for its secret: good for whoever lets the token choose how it is
    /// checked.
    pub fn hs256(&self, user: &str, roles: &[&str]) -> String {
        let header = json!({ "typ": "JWT", "alg": "HS256", "kid": self.kid });
        let message = message(&header, &self.claims(user, roles));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, self.key.public_key().as_ref());
        join(&message, hmac::sign(&secret, message.as_bytes()).as_ref())
    }

    /// A token with this issuer's `kid`, signed by somebody else.
    pub fn forged(&self, user: &str, roles: &[&str]) -> String {
        Self::new().sign_as(&self.header(), &self.claims(user, roles))
    }

    /// A token of this issuer for somebody without roles, whose claims were changed to `user` and `roles`.
    pub fn tampered(&self, user: &str, roles: &[&str]) -> String {
        let genuine = self.token("mallory", &[]);
        let signature = genuine.rsplit('.').next().unwrap_or_default();
        format!("{}.{signature}", message(&self.header(), &self.claims(user, roles)))
    }

    /// A token of an issuer that nobody knows.
    pub fn stranger(&self, user: &str, roles: &[&str]) -> String {
        Self::new().token(user, roles)
    }

    /// All kinds of bad tokens, each with its name. Every one of them MUST be refused with 401, on every route.
    pub fn bad_tokens(&self, user: &str, roles: &[&str]) -> Vec<(&'static str, String)> {
        vec![
            ("expired", self.expired(user, roles)),
            ("not yet valid", self.not_yet_valid(user, roles)),
            ("wrong audience", self.wrong_audience(user, roles)),
            ("wrong issuer", self.wrong_issuer(user, roles)),
            ("alg none", self.alg_none(user, roles)),
            ("HS256", self.hs256(user, roles)),
            ("forged", self.forged(user, roles)),
            ("tampered", self.tampered(user, roles)),
            ("stranger", self.stranger(user, roles)),
            ("garbage", "not.a.token".to_owned()),
        ]
    }

    fn with(&self, user: &str, roles: &[&str], changes: &[(&str, Value)]) -> String {
        let mut claims = self.claims(user, roles);
        for (name, value) in changes {
            claims[*name] = value.clone();
        }
        self.sign(&claims)
    }
}

/// What is signed: header and claims.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

pub(crate) fn join(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
