//! Time and ids, as ports: tests decide both.

use kernel_domain::Timestamp;
use shaku::Interface;
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Interface {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// Makes ids.
pub trait IdGenerator: Interface {
    /// A new UUIDv7: never handed out twice, ordered by time.
    fn next(&self) -> Uuid;
}
