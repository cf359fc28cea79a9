//! Rows of the table, and what they mean.

use diesel::{QueryResult, pg::Pg, prelude::*, result::Error};
use kernel_application::BoxError;
use kernel_domain::{Currency, EventId, Money, PaymentId, Timestamp, UserId, Version};
use notification_application::NotificationView;
use notification_domain::{DeliveryState, Message, Notification, NotificationId, Snapshot};
use platform_postgres::PgUuid;

use crate::schema::notification;

/// All but the number, which the table gives. What is not there is written as `NULL`: so an insert of as many rows always
/// has the same text.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = notification, treat_none_as_default_value = false, check_for_backend(Pg))]
pub(crate) struct Row {
    id: PgUuid,
    event_id: PgUuid,
    event_type: String,
    user_id: String,
    payment_id: PgUuid,
    channel: String,
    amount_minor: i64,
    currency: String,
    subject: String,
    body: String,
    status: String,
    attempts: i64,
    due_at: Option<Timestamp>,
    claim: Option<PgUuid>,
    ended_at: Option<Timestamp>,
    last_error: Option<String>,
    read_at: Option<Timestamp>,
    created_at: Timestamp,
    version: i64,
}

/// What a save may change.
#[derive(AsChangeset)]
#[diesel(table_name = notification, treat_none_as_null = true)]
pub(crate) struct Progress {
    status: String,
    attempts: i64,
    due_at: Option<Timestamp>,
    claim: Option<PgUuid>,
    ended_at: Option<Timestamp>,
    last_error: Option<String>,
    read_at: Option<Timestamp>,
    version: i64,
}

impl Row {
    /// The row of a notification that was never saved.
    pub(crate) fn new(notification: &Notification) -> Self {
        let (state, progress) = (notification.snapshot(), Progress::of(notification));
        Self {
            id: PgUuid(*state.id.as_uuid()),
            event_id: PgUuid(*state.event_id.as_uuid()),
            event_type: state.event_type.as_str().to_owned(),
            user_id: state.user_id.to_string(),
            payment_id: PgUuid(*state.payment_id.as_uuid()),
            channel: state.channel.to_string(),
            amount_minor: state.amount.minor(),
            currency: state.amount.currency().to_string(),
            subject: state.message.subject.clone(),
            body: state.message.body.clone(),
            status: progress.status,
            attempts: progress.attempts,
            due_at: progress.due_at,
            claim: progress.claim,
            ended_at: progress.ended_at,
            last_error: progress.last_error,
            read_at: progress.read_at,
            created_at: state.created_at,
            version: progress.version,
        }
    }

    pub(crate) fn notification(self) -> QueryResult<Notification> {
        Ok(Notification::restore(Snapshot {
            id: NotificationId::from_uuid(self.id.0),
            event_id: EventId::from_uuid(self.event_id.0),
            event_type: self.event_type.parse().map_err(broken)?,
            payment_id: PaymentId::from_uuid(self.payment_id.0),
            channel: self.channel.parse().map_err(broken)?,
            amount: self.amount()?,
            delivery: self.delivery()?,
            attempts: u32::try_from(self.attempts).map_err(broken)?,
            version: Version::new(u64::try_from(self.version).map_err(broken)?),
            read_at: self.read_at,
            created_at: self.created_at,
            user_id: UserId::new(self.user_id).map_err(broken)?,
            message: Message { subject: self.subject, body: self.body },
            last_error: self.last_error,
        }))
    }

    pub(crate) fn view(self) -> QueryResult<NotificationView> {
        Ok(NotificationView {
            id: self.id.0,
            event_id: self.event_id.0,
            payment_id: self.payment_id.0,
            amount: self.amount()?,
            attempts: u32::try_from(self.attempts).map_err(broken)?,
            sent_at: self.ended_at.filter(|_| self.status == "sent"),
            next_attempt_at: self.due_at,
            read_at: self.read_at,
            created_at: self.created_at,
            event_type: self.event_type,
            user_id: self.user_id,
            channel: self.channel,
            subject: self.subject,
            body: self.body,
            status: self.status,
            last_error: self.last_error,
        })
    }

    fn amount(&self) -> QueryResult<Money> {
        let currency: Currency = self.currency.parse().map_err(broken)?;
        Ok(Money::from_minor(self.amount_minor, currency))
    }

    fn delivery(&self) -> QueryResult<DeliveryState> {
        match (&*self.status, self.due_at, self.ended_at) {
            ("pending", Some(due), None) => {
                Ok(DeliveryState::Pending { due, claim: self.claim.map(|PgUuid(claim)| claim) })
            }
            ("sent", None, Some(at)) => Ok(DeliveryState::Sent { at }),
            ("failed", None, Some(at)) => Ok(DeliveryState::Failed { at }),
            _ => Err(broken(format!("status {} does not fit its times", self.status))),
        }
    }
}

impl Progress {
    /// The columns of the notification's next version.
    pub(crate) fn of(notification: &Notification) -> Self {
        let state = notification.snapshot();
        let (due, claim, ended) = match state.delivery {
            DeliveryState::Pending { due, claim } => (Some(due), claim, None),
            DeliveryState::Sent { at } | DeliveryState::Failed { at } => (None, None, Some(at)),
        };
        Self {
            status: state.delivery.as_str().to_owned(),
            attempts: state.attempts.into(),
            due_at: due,
            claim: claim.map(PgUuid),
            ended_at: ended,
            last_error: state.last_error.clone(),
            read_at: state.read_at,
            version: column(state.version.next()),
        }
    }
}

/// A version as the table keeps it.
pub(crate) fn column(version: Version) -> i64 {
    i64::try_from(version.get()).unwrap_or(i64::MAX)
}

/// The error of a row that makes no sense.
fn broken(error: impl Into<BoxError>) -> Error {
    Error::DeserializationError(error.into())
}
