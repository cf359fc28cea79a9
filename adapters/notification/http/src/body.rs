//! A notification on the wire.

use chrono::SecondsFormat;
use kernel_domain::Timestamp;
use notification_application::NotificationView;
use platform_http::MoneyText;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// News for one user on one channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NotificationBody {
    /// The notification's UUIDv7.
    pub id: Uuid,
    /// The event it tells of; each event is told once per channel.
    pub event_id: Uuid,
    /// The event's type.
    #[schema(example = "payment.completed.v1")]
    pub event_type: String,
    /// Who is told.
    pub user_id: String,
    /// The payment.
    pub payment_id: Uuid,
    /// `in_app`, `email`, `slack` or `webhook`.
    #[schema(example = "in_app")]
    pub channel: String,
    /// The payment's amount; for a refund, what was refunded.
    pub amount: MoneyText,
    /// The amount's currency.
    #[schema(example = "USD")]
    pub currency: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// `pending`, `sent` or `failed`.
    #[schema(example = "sent")]
    pub status: String,
    /// Attempts to send it.
    pub attempts: u32,
    /// Why the last failed attempt failed.
    pub last_error: Option<String>,
    /// When the next attempt is due, while pending.
    #[schema(format = DateTime)]
    pub next_attempt_at: Option<String>,
    /// When it was sent.
    #[schema(format = DateTime)]
    pub sent_at: Option<String>,
    /// When the user read it.
    #[schema(format = DateTime)]
    pub read_at: Option<String>,
    /// When it was written.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<NotificationView> for NotificationBody {
    fn from(view: NotificationView) -> Self {
        Self {
            id: view.id,
            event_id: view.event_id,
            event_type: view.event_type,
            user_id: view.user_id,
            payment_id: view.payment_id,
            channel: view.channel,
            currency: view.amount.currency().to_string(),
            amount: view.amount.into(),
            subject: view.subject,
            body: view.body,
            status: view.status,
            attempts: view.attempts,
            last_error: view.last_error,
            next_attempt_at: view.next_attempt_at.map(text),
            sent_at: view.sent_at.map(text),
            read_at: view.read_at.map(text),
            created_at: text(view.created_at),
        }
    }
}

fn text(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
