//! Ids, keys and addresses that cross the provider's border.

use std::fmt;

use kernel_domain::Violation;
use uuid::Uuid;

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id made by the `IdGenerator` port.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// Reads the prefixed form.
            pub fn parse(id: &str) -> Result<Self, Violation> {
                id.strip_prefix($prefix)
                    .and_then(|uuid| Uuid::try_parse(uuid).ok())
                    .map(Self)
                    .ok_or_else(|| {
                        Violation::new($field, "invalid_id", concat!("must be ", $prefix, " and a UUID"))
                    })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.as_hyphenated())
            }
        }
    };
}

prefixed_id!(
    /// A charge's id: `ch_` and a UUIDv7.
    ChargeId,
    "ch_",
    "charge_id"
);
prefixed_id!(
    /// A refund's id: `re_` and a UUIDv7.
    RefundId,
    "re_",
    "refund_id"
);

/// An idempotency key: one row of the ledger, forever. 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LedgerKey(String);

impl LedgerKey {
    /// Checks length and characters.
    pub fn new(key: &str) -> Result<Self, Violation> {
        visible("Idempotency-Key", key, 255).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the merchant calls the thing paid for, such as a payment's id. 1 to 128 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference(String);

impl Reference {
    /// Checks length and characters.
    pub fn new(reference: &str) -> Result<Self, Violation> {
        visible("reference", reference, 128).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where callbacks go: an `http://` URL of at most 2,000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallbackUrl(String);

impl CallbackUrl {
    /// Checks scheme, host, length and characters.
    pub fn new(url: &str) -> Result<Self, Violation> {
        let url = visible("callback_url", url, 2_000)?;
        let host = url.strip_prefix("http://").and_then(|rest| rest.split(['/', '?', '#']).next());
        match host {
            Some(host) if !host.is_empty() => Ok(Self(url)),
            _ => Err(Violation::new("callback_url", "invalid_url", "must be an http:// URL")),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn visible(field: &'static str, text: &str, most: usize) -> Result<String, Violation> {
    if (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        let message = format!("must have 1 to {most} visible ASCII characters");
        Err(Violation::new(field, "invalid_text", message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_and_read() {
        let id = ChargeId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string(), "ch_00000000-0000-0000-0000-000000000007");
        assert_eq!(ChargeId::parse(&id.to_string()), Ok(id));
        assert!(ChargeId::parse("re_00000000-0000-0000-0000-000000000007").is_err());
    }

    #[test]
    fn keys_are_visible_and_short() {
        assert!(LedgerKey::new("payment-1:charge").is_ok());
        for bad in ["", "a b", "ä", &"x".repeat(256)] {
            assert!(LedgerKey::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn callbacks_go_over_http() {
        assert!(CallbackUrl::new("http://localhost:8082/callbacks").is_ok());
        for bad in ["https://a", "http://", "http:///x", "a"] {
            assert!(CallbackUrl::new(bad).is_err(), "{bad}");
        }
    }
}
