//! A key of each kind, and somebody who signs with it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::testing::{TestIssuer, join, message};

pub(crate) fn ed25519() -> Value {
    let mut jwk = TestIssuer::new().jwk();
    jwk["kid"] = json!("ed");
    jwk
}

pub(crate) fn p256() -> Value {
    P256::new().jwk()
}

/// The public half of a key whose private half is gone.
pub(crate) fn rsa() -> Value {
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "rsa", "e": "AQAB", "n": MODULUS })
}

/// Somebody who signs with ES256.
pub(crate) struct P256(EcdsaKeyPair);

impl P256 {
    pub(crate) fn new() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap())
    }

    pub(crate) fn jwk(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        json!({ "kty": "EC", "crv": "P-256", "kid": "ec", "x": x, "y": y })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let message = message(&json!({ "alg": "ES256", "kid": "ec" }), claims);
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        join(&message, signature.as_ref())
    }
}

const MODULUS: &str = concat!(
    "5sEDWO-plrW54SoGEKUbFTWkg4sWaLzsCts9K5rGR9dcaQRGnt-afdwZRn5ThXGWqQzgWTm0LIJ6o5txyRf-cJO4SgT7KZ2f",
    "BKkaZpAFOkDS-ANXseD40d5Tygth5DyhJSPFxvyp77GReBC-nhpUFZSQvInI11MwY9laxMY34jI8tdUxCUehpYJv86pNZ4fQ",
    "Zzo1VL2zWmyMZQ8tM7bEC2nCzvZni7TnYzoZ6DBHlXfEc4NRgt9BvqNnBeK3zVxq57uOBdvZdHAz5dXKtu3wetxqo2bAJyfd",
    "jNz3A-maLRbfX590VC9F8II7EPng1AvX0hmb4l4w-R2mGolAuYK49Q",
);

/// A token of ada, an administrator, signed by OpenSSL with that key. Its time is over in the year 2100.
pub(crate) const RS256: &str = concat!(
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.",
    "eyJzdWIiOiJhZGEiLCJyb2xlcyI6WyJhZG1pbiJdLCJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0IiwiYXVkIjoic2hvcCIs",
    "Im5iZiI6MTc2NzIyNTYwMCwiZXhwIjo0MTAyNDQ0ODAwfQ.",
    "IzRMbpvAe7rwa2_FGpVeABgnWRaf4GxxF88_DObFZOeN4NOJ35FkyISlAZ2lu8WWtjWvceanmW0KIhfXjpE_M3dKQRUGJcPS",
    "axmRGOltbVSou7kOY4Xzjf59qq7blREgSm74qd0InNSEWwyNNrwtjgyitV_hOtjOD8a8VB2BekKEKzQE-LretC-_L9zjYsol",
    "FpYUoqCyOmCGRZzJNDNq0pOXTq4YTA87PPk9m4hz43vIINBz-FmCNPOrSDi6v8lcn8buAMB58XcmmIJgN-c3UY-pzPZi7SIo",
    "TvUnMo3e3IB-HJIbV46lwSrvnEmyu_t0F99jGTwZFbJFWlKeB54-Bw",
);
