//! Fakes of this context's ports, and the suites that every real store runs.

mod channel;
pub mod contract;
mod fixture;
mod load;
mod memory_store;

pub use channel::FakeChannel;
pub use fixture::Fixture;
use kernel_domain::{Currency, EventId, Money, PaymentId, Timestamp, UserId};
pub use load::Load;
pub use memory_store::MemoryStore;
use notification_domain::{Channel, Notification, NotificationId, Outcome, PaymentNews};
use uuid::Uuid;

/// A notification in the app about event `n`.
pub fn sample(n: u128, user: &str) -> Notification {
    sample_on(n, user, Channel::InApp)
}

/// A notification about event `n`, written `n` seconds after 2025-12-31.
pub fn sample_on(n: u128, user: &str, channel: Channel) -> Notification {
    let news = PaymentNews {
        event_id: EventId::from_uuid(Uuid::from_u128(n)),
        payment_id: PaymentId::from_uuid(Uuid::from_u128(n + 1_000)),
        user_id: user_id(user),
        amount: Money::from_minor(12_990, Currency::USD),
        lines: vec![],
        outcome: Outcome::Completed,
    };
    // One id per event and channel, as a real generator would give.
    let id = NotificationId::from_uuid(Uuid::from_u128((n << 8) + channel as u128));
    Notification::compose(id, &news, channel, at(n))
}

/// `n` seconds after 2025-12-31T12:00:00Z, half a day before the manual clock starts.
pub fn at(n: u128) -> Timestamp {
    let start = Timestamp::UNIX_EPOCH + chrono::TimeDelta::seconds(1_767_182_400);
    start + chrono::TimeDelta::seconds(i64::try_from(n).unwrap_or_default())
}

/// A user id that is known to be legal.
#[expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "tests name legal ids")]
pub fn user_id(id: &str) -> UserId {
    UserId::new(id).unwrap()
}
