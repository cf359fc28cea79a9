//! Verifies a token: header, key, signature, claims, in this order.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, Validation, decode, errors::ErrorKind};
use kernel_application::{Caller, Clock, HealthCheck};

use crate::{
    Rejected,
    cache::Cache,
    claims::Claims,
    crypto,
    header::Header,
    key_set::{KeySet, VerifyingKey},
    keys::Keys,
};

/// Whose tokens are believed, and for whom they must be made.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) name: String,
    pub(crate) audience: String,
}

/// What an [`Authenticator`](crate::Authenticator) shares among its clones.
pub(crate) struct Verifier {
    keys: Keys,
    cache: Cache,
    clock: Arc<dyn Clock>,
    eddsa: Validation,
    es256: Validation,
    rs256: Validation,
}

impl Verifier {
    pub(crate) fn new(keys: Keys, issuer: &Issuer, clock: Arc<dyn Clock>) -> Self {
        crypto::install();
        let [eddsa, es256, rs256] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256]
            .map(|algorithm| validation(algorithm, issuer));
        Self { keys, cache: Cache::default(), clock, eddsa, es256, rs256 }
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Caller, Rejected> {
        let keys = self.keys().await?;
        let now = self.now();
        if let Some(proven) = self.cache.get(token, keys.version()) {
            return proven.fresh(now).map(|()| proven.caller);
        }
        let header = Header::of(token)?;
        let keys = self.with_key(keys, &header.kid).await?;
        let key = keys.find(&header.kid).ok_or(Rejected::UnknownKey)?;
        let proven = self.examine(token, header.algorithm, key)?.prove(now)?;
        self.cache.put(token, keys.version(), proven.clone());
        Ok(proven.caller)
    }

    /// For how long the issuer has not told its keys; `None` where nobody asks it.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.keys.age()
    }

    async fn keys(&self) -> Result<Arc<KeySet>, Rejected> {
        if let Some(keys) = self.keys.current() {
            return Ok(keys);
        }
        self.keys.refresh().await?;
        self.keys.current().ok_or(Rejected::Unavailable)
    }

    /// The keys with `kid` among them, where the issuer has made it since they were read.
    async fn with_key(&self, keys: Arc<KeySet>, kid: &str) -> Result<Arc<KeySet>, Rejected> {
        if keys.find(kid).is_some() {
            return Ok(keys);
        }
        self.keys.refresh().await?;
        self.keys.current().ok_or(Rejected::Unavailable)
    }

    /// The token's word for its algorithm counts for nothing: it must be that of the key.
    fn examine(&self, token: &str, said: Algorithm, key: &VerifyingKey) -> Result<Claims, Rejected> {
        let validation = match key.algorithm {
            Algorithm::EdDSA => &self.eddsa,
            Algorithm::ES256 => &self.es256,
            Algorithm::RS256 => &self.rs256,
            _ => return Err(Rejected::Algorithm),
        };
        if said != key.algorithm {
            return Err(Rejected::Algorithm);
        }
        match decode::<Claims>(token, &key.key, validation) {
            Ok(token) => Ok(token.claims),
            Err(error) => Err(rejected(error.kind())),
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp()
    }
}

fn validation(algorithm: Algorithm, issuer: &Issuer) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[&issuer.name]);
    validation.set_audience(&[&issuer.audience]);
    validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
    // Time is looked at where the claims are, again at each use.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn rejected(kind: &ErrorKind) -> Rejected {
    match kind {
        ErrorKind::InvalidSignature => Rejected::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::InvalidKeyFormat => {
            Rejected::Algorithm
        }
        ErrorKind::InvalidIssuer => Rejected::Issuer,
        ErrorKind::InvalidAudience => Rejected::Audience,
        ErrorKind::MissingRequiredClaim(_) => Rejected::Incomplete,
        _ => Rejected::Malformed,
    }
}

#[async_trait]
impl HealthCheck for Verifier {
    fn name(&self) -> &'static str {
        "identity-keys"
    }

    async fn check(&self) -> Result<(), String> {
        match self.keys.current() {
            Some(_) => Ok(()),
            None => {
                Err("there are no keys to check tokens with; see AUTH_JWKS_FILE or AUTH_JWKS_URL".to_owned())
            }
        }
    }
}
