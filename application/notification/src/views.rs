//! What readers see.

use kernel_domain::{Money, Timestamp, UserId};
use notification_domain::{Channel, DeliveryState, Notification};
use uuid::Uuid;

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationView {
    /// The id.
    pub id: Uuid,
    /// The event it tells of.
    pub event_id: Uuid,
    /// The event's type, such as `payment.completed.v1`.
    pub event_type: String,
    /// Who is told.
    pub user_id: String,
    /// The payment.
    pub payment_id: Uuid,
    /// `in_app`, `email`, `slack` or `webhook`.
    pub channel: String,
    /// The amount that moved, or did not.
    pub amount: Money,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// `pending`, `sent` or `failed`.
    pub status: String,
    /// Attempts begun.
    pub attempts: u32,
    /// Why the last failed attempt failed.
    pub last_error: Option<String>,
    /// When the next attempt is due, while pending.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// When the user read it.
    pub read_at: Option<Timestamp>,
    /// When it was written.
    pub created_at: Timestamp,
}

impl From<&Notification> for NotificationView {
    fn from(notification: &Notification) -> Self {
        let state = notification.snapshot();
        let (next_attempt_at, sent_at) = match state.delivery {
            DeliveryState::Pending { due, .. } => (Some(due), None),
            DeliveryState::Sent { at } => (None, Some(at)),
            DeliveryState::Failed { .. } => (None, None),
        };
        Self {
            id: *state.id.as_uuid(),
            event_id: *state.event_id.as_uuid(),
            event_type: state.event_type.as_str().to_owned(),
            user_id: state.user_id.to_string(),
            payment_id: *state.payment_id.as_uuid(),
            channel: state.channel.to_string(),
            amount: state.amount,
            subject: state.message.subject.clone(),
            body: state.message.body.clone(),
            status: state.delivery.as_str().to_owned(),
            attempts: state.attempts,
            last_error: state.last_error.clone(),
            next_attempt_at,
            sent_at,
            read_at: state.read_at,
            created_at: state.created_at,
        }
    }
}

/// Which notifications a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotificationFilter {
    /// Only this user's.
    pub user_id: Option<UserId>,
    /// Only this channel's.
    pub channel: Option<Channel>,
    /// Only those nobody has read.
    pub unread: bool,
}

/// A notification in the feed, and the cursor after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// Where to go on from.
    pub cursor: String,
    /// The notification.
    pub notification: NotificationView,
}
