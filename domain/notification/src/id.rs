//! A notification's id.

use std::fmt;

use kernel_domain::Violation;
use uuid::Uuid;

/// A notification's UUIDv7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotificationId(Uuid);

impl NotificationId {
    /// Wraps an id made by the `IdGenerator` port.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// Reads the hyphenated form.
    pub fn parse(id: &str) -> Result<Self, Violation> {
        Uuid::try_parse(id).map(Self).map_err(|_| Violation::new("id", "invalid_uuid", "must be a UUID"))
    }

    /// The UUID.
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}
