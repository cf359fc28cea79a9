//! A key of each kind, and somebody who signs with it: what they should, and what they should not.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
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

pub(crate) fn rsa() -> Value {
    Rsa::new().jwk()
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
        self.sign_as(&json!({ "alg": "ES256", "kid": "ec" }), claims)
    }

    /// Whatever the header says.
    pub(crate) fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        join(&message, signature.as_ref())
    }
}

/// Somebody who signs with RS256.
pub(crate) struct Rsa(RsaKeyPair);

impl Rsa {
    pub(crate) fn new() -> Self {
        Self(RsaKeyPair::from_pkcs8(&URL_SAFE_NO_PAD.decode(RSA_KEY).unwrap()).unwrap())
    }

    pub(crate) fn jwk(&self) -> Value {
        let modulus: Vec<u8> = PublicKeyComponents::from(self.0.public()).n;
        let n = URL_SAFE_NO_PAD.encode(modulus);
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "rsa", "e": "AQAB", "n": n })
    }

    /// Whatever the header says.
    pub(crate) fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        join(&message, &signature)
    }
}

/// Made for these tests alone: 2048 bits, as PKCS #8.
const RSA_KEY: &str = concat!(
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC1EFsNS3jkqVZPS3dj5BR_opBAxGS54PVn1bTdPQWlywEL",
    "_dB6idbyPP9j0sjcQgvbA2GkVkYxMzmaxRNykhWMJUDK1kNXFT1sM1cIVAAYUgIP3N7z3K9SokzxjPa8Sbmg5focSyn5C4Hd",
    "z135u_p26JphqDLbkkP3ICOS2bIsAs9zs5M9reOdjXwaEUFdygqD5ETDsMMP8a1VS5lSz_Bc8VZK4hwuOkyWZL3OH_-Fw7CT",
    "e67ogG1aA_DpkGExikpeCpe76QpaoimyEGOYuLKmoaIqJiwIlkJjS1vRLzWOAKxzGE35ZsEqB1ggDt-8JXBz_cDToe7rlrE8",
    "NdWa4R5HAgMBAAECggEAPCTqMeDbkA0l4-IcDvzgyELuKu1xzgLJUcv9r63I9fkYaGzPtxyZX07ewMBwQyXXPVGCui2EVGyB",
    "GoWTP7AB41MukhIZPVCLXikxpE0O2QVItQ83qgao4EiUSXp7LTFKLYWnDoXzM8xcP5tVypJkEOKUAZN3DVOpKuosluekVRSs",
    "0ftvCqXGA7nB6GUGj6Jzk9-5eeTjrp9BckNVCgmbx_O2ioA9oiHb5m46PeovkQUWLc5--3Vg4cGVBkjTkku-Ge9b05XgbMdB",
    "600xe_Nosw2vZi_jB9qZu_sz9tT_EaFIpwsfL34qM8EkovDYS32gK5GxGuiXeUaUEzqK5_NW4QKBgQDdJZcPBNetTYbnb8MI",
    "eodAWSbzq6LL6BnJPVqN78dIployDj8cmS1-FZBrRnDu4MzUsPOrDBBxFA22IebHgYhZrQyvlM4fS4kopRAL3r9xUBvRq9oL",
    "jQfis-olvecmYdor5wTcRjjcPtoSBfoUzBLCvOY5bBu8JrLt3cUhmaJz4QKBgQDRmZNROcYZge4dBYZ8hWJTjltwD7f1_0eH",
    "mTAQ_GaBKKWEiJIiMTAVwcgpNIhjVFO9VDKAgFaOp6Sk72ZcXaVOLYm1Guh4Mg6GJRnsGeXSHcu_yNUBeEYQKPZyXEAF0_eT",
    "_-GIqL0QkLTW5wJ2cPn4RkQtj2GHCKvXnwQ8tcBXJwKBgQC4gf9ZmYm03wUaHWYUsd4ccwWLsfz-sWSqQRVHbPHRDHIeZ0KC",
    "ws5w7t7yke_xbf-XyRdT85nYLooOFpTsiYdQgpAeAkJDXAtQrP8JWExT5yl-syoWDxGwNLm7yYiMvoF_tZyZh8EzCQF6nh_7",
    "sBRLA7311NwDDCqnSSuLEBq5IQKBgEYMzKZ155Y4zWrXoOXW8lC4oCioqDPH-JECCoVyxZNfEUplFmnlBIwQ8qOK0hZYZZA-",
    "Jo651bPhpW4WMKCoD4o8P-zOLGmXWTFODwbQdPWvTZwwM7hFCS13cz4vRJpuCC1ndGnm8yEpK7czB6isA28NlNWhONgXds8e",
    "bx0XJUw7AoGBANc7exf-BQkIIEOakKErOskWqa9kSIZgmueGf0V264FKoQcwW9MiYOunip9kMqvTCpSZV22PCcC3xwSQ-XVM",
    "yK-FLZFubdFQh5J4clagNGd8yUUc2PnSLKgvdcTKdu_I0sBvqsPFF5-rXGKGVXqTFcQRC0NNlrEpfHOC3yFvkxga",
);

/// A token of ada, an administrator, signed by OpenSSL with that key. Its time is over in the year 2100.
pub(crate) const RS256: &str = concat!(
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.",
    "eyJzdWIiOiJhZGEiLCJyb2xlcyI6WyJhZG1pbiJdLCJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0IiwiYXVkIjoic2hvcCIs",
    "Im5iZiI6MTc2NzIyNTYwMCwiZXhwIjo0MTAyNDQ0ODAwfQ.",
    "qvAk1tXwET9BZz6lpjwQBxA06GoasNE25Vsb5w_--RNjaEKFknREASo72xNGEHh2xxKIr8n7n_mcIVlDy_gGxeBh2sDN3agK",
    "pIBcB_YlPFpI8QQeDeEtLTf3ra3EGnt9GXxEqTlYL9Sh2wB2dDZjPwkPTwxxqXIUzoG7fI0ga_hJMvBE5U0ma2fBy55oorTT",
    "N6RE4qh7KbZPbpaTZH57-GxR9FxtDQCWty9SjneQzDpZTIln8ewGMHvSvZ3iJ1V4jeUnaVpiptaoRY5O4WS-9Wg7a_Pgwtsz",
    "F9vzLDfV54eS64FRZb8HTND1XM3TzQqdrLglL8kHgtDjQ0fqx3pYZw",
);
