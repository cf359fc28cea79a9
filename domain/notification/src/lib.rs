//! Notifications, their channels and delivery attempts.
//!
//! A new kind of news is a variant of [`Outcome`] and a text in `message.rs`; a new channel is a variant of [`Channel`].

mod channel;
mod id;
mod message;
mod news;
mod notification;
mod retry;

pub use channel::Channel;
pub use id::NotificationId;
pub use message::Message;
pub use news::{EventType, Line, Outcome, PaymentNews};
pub use notification::{ClaimLost, DeliveryState, NotDue, Notification, Snapshot, Turn};
pub use retry::RetryPolicy;
