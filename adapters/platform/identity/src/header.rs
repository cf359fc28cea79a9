//! What a token says of how it is signed. Read before anything is verified, so nothing here is believed: it names the
//! key to try, and must agree with that key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, de::IgnoredAny};

use crate::Rejected;

/// The header, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: String,
}

#[derive(Deserialize)]
struct Wire {
    alg: String,
    kid: Option<String>,
    /// Extensions that MUST be understood. None is.
    crit: Option<IgnoredAny>,
}

impl Header {
    pub(crate) fn of(token: &str) -> Result<Self, Rejected> {
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Rejected::Malformed);
        };
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Rejected::Malformed)?;
        let Wire { alg, kid, crit } = serde_json::from_slice(&header).map_err(|_| Rejected::Malformed)?;
        if crit.is_some() {
            return Err(Rejected::Malformed);
        }
        Ok(Self { algorithm: accepted(&alg)?, kid: kid.ok_or(Rejected::UnknownKey)? })
    }
}

/// The allow-list. Whoever adds to it MUST NOT add anything symmetric: what verifies such a token can also make it.
fn accepted(name: &str) -> Result<Algorithm, Rejected> {
    match name {
        "EdDSA" => Ok(Algorithm::EdDSA),
        "ES256" => Ok(Algorithm::ES256),
        "RS256" => Ok(Algorithm::RS256),
        _ => Err(Rejected::Algorithm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Result<Header, Rejected> {
        Header::of(&format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header)))
    }

    #[test]
    fn only_three_algorithms_are_accepted() {
        for (name, algorithm) in
            [("EdDSA", Algorithm::EdDSA), ("ES256", Algorithm::ES256), ("RS256", Algorithm::RS256)]
        {
            let header = read(&format!(r#"{{"alg":"{name}","kid":"k"}}"#)).unwrap();
            assert_eq!(header, Header { algorithm, kid: "k".to_owned() });
        }
        for name in ["none", "None", "", "HS256", "HS512", "PS256", "RS512", "ES384", "eddsa"] {
            let header = read(&format!(r#"{{"alg":"{name}","kid":"k"}}"#));
            assert_eq!(header, Err(Rejected::Algorithm), "{name}");
        }
    }

    #[test]
    fn a_key_must_be_named() {
        assert_eq!(read(r#"{"alg":"EdDSA"}"#), Err(Rejected::UnknownKey));
    }

    #[test]
    fn extensions_that_must_be_understood_are_refused() {
        assert_eq!(read(r#"{"alg":"EdDSA","kid":"k","crit":["exp"],"exp":1}"#), Err(Rejected::Malformed));
    }

    #[test]
    fn what_has_another_shape_is_refused() {
        for token in ["", "a", "a.b", "a.b.c.d", "!.b.c", "e30.e30.c2ln", "..", "W10.e30.c2ln"] {
            assert_eq!(Header::of(token), Err(Rejected::Malformed), "{token:?}");
        }
        assert_eq!(
            read(r#"{"alg":"EdDSA","alg":"EdDSA","kid":"k"}"#),
            Err(Rejected::Malformed),
            "said twice"
        );
    }
}
