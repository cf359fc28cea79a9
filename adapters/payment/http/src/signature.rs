//! `X-Provider-Signature`: `t=<seconds since 1970>,v1=<hex of HMAC-SHA256(secret, t + "." + body as sent)>`.
//!
//! Several `v1` may be there while the provider changes its secret; one that is right is enough.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use kernel_application::Clock;
use sha2::Sha256;

/// How far the signature's time may be from ours, in seconds, either way.
const TOLERANCE: u64 = 300;

/// Tells the provider's callbacks from everybody else's.
#[derive(Clone)]
pub struct CallbackSignatures {
    secret: Arc<[u8]>,
    clock: Arc<dyn Clock>,
}

impl CallbackSignatures {
    /// Checks with the secret shared with the provider. With an empty one, no callback is accepted.
    pub fn new(secret: &str, clock: Arc<dyn Clock>) -> Self {
        Self { secret: secret.as_bytes().into(), clock }
    }

    pub(crate) fn check(&self, header: Option<&str>, body: &[u8]) -> Result<(), SignatureError> {
        let header = header.ok_or(SignatureError::Missing)?;
        verify(&self.secret, header, body, self.clock.now().timestamp())
    }
}

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("X-Provider-Signature is missing")]
    Missing,
    /// It has another form.
    #[error("X-Provider-Signature must be t=<seconds>,v1=<hex>")]
    Malformed,
    /// It was made too long ago, or is from the future: a callback that was recorded cannot be used later.
    #[error("X-Provider-Signature is older than 5 minutes, or a clock is wrong")]
    Old,
    /// It belongs to another body or secret.
    #[error("X-Provider-Signature is wrong")]
    Wrong,
}

/// Checks `header` over `body` as sent, at `now` in seconds since 1970. Takes the same time wherever the difference is.
pub fn verify(secret: &[u8], header: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
    let (time, signatures) = parse(header)?;
    let made: i64 = time.parse().map_err(|_| SignatureError::Malformed)?;
    if made.abs_diff(now) > TOLERANCE {
        return Err(SignatureError::Old);
    }
    let mac = mac(secret, time, body)?;
    let right = |signature: &Vec<u8>| mac.clone().verify_slice(signature).is_ok();
    if signatures.iter().any(right) { Ok(()) } else { Err(SignatureError::Wrong) }
}

/// The header a provider sends with `body` at `time`, in seconds since 1970.
pub fn sign(secret: &[u8], body: &[u8], time: i64) -> Result<String, SignatureError> {
    let signature = mac(secret, &time.to_string(), body)?.finalize().into_bytes();
    Ok(format!("t={time},v1={}", hex::encode(signature)))
}

fn mac(secret: &[u8], time: &str, body: &[u8]) -> Result<Hmac<Sha256>, SignatureError> {
    if secret.is_empty() {
        return Err(SignatureError::Wrong);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| SignatureError::Wrong)?;
    for part in [time.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(mac)
}

/// The time as sent and the signatures; parts of other names are for other versions.
fn parse(header: &str) -> Result<(&str, Vec<Vec<u8>>), SignatureError> {
    let (mut time, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=').ok_or(SignatureError::Malformed)? {
            ("t", value) if time.is_none() => time = Some(value),
            ("t", _) => return Err(SignatureError::Malformed),
            ("v1", value) => signatures.push(hex::decode(value).map_err(|_| SignatureError::Malformed)?),
            _ => {}
        }
    }
    time.filter(|_| !signatures.is_empty()).map(|time| (time, signatures)).ok_or(SignatureError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef";
    const BODY: &[u8] = br#"{"a":1}"#;
    const NOW: i64 = 1_767_225_600;

    #[test]
    fn signs_as_any_other_tool_does() {
        // printf '1767225600.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let expected = "t=1767225600,v1=539b0e21b535c5201ef7d1453c0a0de4ad132293226de9018be0cfbf0092faa6";
        assert_eq!(sign(SECRET, BODY, NOW).unwrap(), expected);
        assert_eq!(verify(SECRET, expected, BODY, NOW), Ok(()));
    }

    #[test]
    fn the_time_is_tolerated_for_five_minutes() {
        let header = sign(SECRET, BODY, NOW).unwrap();
        for now in [NOW - 300, NOW + 300] {
            assert_eq!(verify(SECRET, &header, BODY, now), Ok(()));
        }
        for now in [NOW - 301, NOW + 301, i64::MIN, i64::MAX] {
            assert_eq!(verify(SECRET, &header, BODY, now), Err(SignatureError::Old));
        }
    }

    #[test]
    fn another_body_secret_or_time_is_wrong() {
        let header = sign(SECRET, BODY, NOW).unwrap();
        assert_eq!(verify(SECRET, &header, b"{}", NOW), Err(SignatureError::Wrong));
        assert_eq!(verify(b"other", &header, BODY, NOW), Err(SignatureError::Wrong));
        assert_eq!(verify(b"", &header, BODY, NOW), Err(SignatureError::Wrong));
        let moved = header.replace("t=1767225600", "t=1767225601");
        assert_eq!(verify(SECRET, &moved, BODY, NOW), Err(SignatureError::Wrong));
        let short = &header[..header.len() - 2];
        assert_eq!(verify(SECRET, short, BODY, NOW), Err(SignatureError::Wrong));
    }

    #[test]
    fn one_right_signature_is_enough() {
        let header = sign(SECRET, BODY, NOW).unwrap();
        let (time, right) = header.split_once(',').unwrap();
        let both = format!("{time}, v0=whatever, v1={}, {right}", "00".repeat(32));
        assert_eq!(verify(SECRET, &both, BODY, NOW), Ok(()));
    }

    #[test]
    fn other_forms_are_malformed() {
        let header = sign(SECRET, BODY, NOW).unwrap();
        let twice = format!("{header},t=0");
        for bad in ["", "v1=00", "t=1", "t=1,v1=xyz", "t=,v1=00", "t=now,v1=00", "t", "t=1;v1=00", &twice] {
            assert_eq!(verify(SECRET, bad, BODY, NOW), Err(SignatureError::Malformed), "{bad:?}");
        }
    }
}
