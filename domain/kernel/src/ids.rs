//! Ids that cross a context's border.

use std::fmt;

use uuid::Uuid;

use crate::Violation;

/// A product's number, from 1 up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductId(i64);

impl ProductId {
    /// Checks that the number is above 0.
    pub fn new(id: i64) -> Result<Self, Violation> {
        if id > 0 {
            Ok(Self(id))
        } else {
            Err(Violation::new("product_id", "out_of_range", "must be 1 or more"))
        }
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who buys: 1 to 64 letters, digits or `._@-`, so that it can stand in a path and a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    const MAX: usize = 64;

    /// Checks length and characters.
    pub fn new(id: impl Into<String>) -> Result<Self, Violation> {
        let id = id.into();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        let fits = !id.is_empty() && id.len() <= Self::MAX;
        if fits && id.bytes().all(legal) {
            Ok(Self(id))
        } else {
            Err(Violation::new("user_id", "invalid_user_id", "must be 1 to 64 letters, digits or ._@-"))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id made by the `IdGenerator` port.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// Reads the hyphenated form.
            pub fn parse(id: &str) -> Result<Self, Violation> {
                Uuid::try_parse(id)
                    .map(Self)
                    .map_err(|_| Violation::new($field, "invalid_uuid", "must be a UUID"))
            }

            /// The UUID.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A basket's UUIDv7.
    BasketId,
    "basket_id"
);
uuid_id!(
    /// A payment's UUIDv7.
    PaymentId,
    "payment_id"
);
uuid_id!(
    /// An event's UUIDv7: consumers tell duplicates by it.
    EventId,
    "event_id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_ids_start_at_one() {
        assert_eq!(ProductId::new(1).map(ProductId::get), Ok(1));
        assert!(ProductId::new(0).is_err());
        assert!(ProductId::new(i64::MIN).is_err());
    }

    #[test]
    fn user_ids_can_stand_in_a_path() {
        for good in ["u1", "ada@example.org", "a-b_c.d", &"x".repeat(64)] {
            assert!(UserId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "ä", "a\0", &"x".repeat(65)] {
            assert!(UserId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn uuids_are_read_and_shown() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(PaymentId::parse(text).unwrap().to_string(), text);
        assert_eq!(PaymentId::parse("nope").unwrap_err().field(), "payment_id");
    }
}
