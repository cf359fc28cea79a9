//! `X-Provider-Signature: t=<unix seconds>,v1=<hex of HMAC-SHA256(key, t + "." + body)>`.
//!
//! The time is part of what is signed, so that a receiver can refuse what somebody recorded and sends again.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header's name.
pub(crate) const HEADER: &str = "x-provider-signature";

/// The secret that provider and merchant share. It has no `Debug`: it is never shown.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// A key of any length.
    pub fn new(secret: &str) -> Self {
        Self(secret.as_bytes().to_vec())
    }

    /// The header's value for `body`, signed at `unix` seconds.
    pub(crate) fn sign(&self, unix: i64, body: &[u8]) -> Option<String> {
        // HMAC takes keys of every length, so there always is a value.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{unix}.").as_bytes());
        mac.update(body);
        Some(format!("t={unix},v1={}", hex::encode(mac.finalize().into_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_other_implementations() {
        let signed = SigningKey::new("sandbox-secret").sign(1_700_000_000, br#"{"a":1}"#).unwrap();
        let expected = "af9b2f9748ef9118b0c966921f5cd7a94c762a40ece3947f31d25d05eda5df94";
        assert_eq!(signed, format!("t=1700000000,v1={expected}"));
    }
}
