//! Value objects every context shares: money, ids, quantities, event buffers and violations.
//!
//! Nothing here belongs to one context. A type moves in when a second context needs the very same rule.

mod ids;
mod money;
mod quantity;
mod recorded;
mod text;
mod version;
mod violation;

pub use ids::{BasketId, EventId, PaymentId, ProductId, UserId};
pub use money::{Currency, Money, MoneyError};
pub use quantity::Quantity;
pub use recorded::Recorded;
pub use text::text;
pub use version::Version;
pub use violation::{Violation, Violations};

/// An instant in UTC. Stores keep microseconds.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
