//! Sends what is due on one channel.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use kernel_application::{CallContext, Clock, Command, CommandHandler, IdGenerator, Permit, StoreError};
use notification_domain::{Channel, Notification, NotificationId, RetryPolicy, Turn};
use shaku::Component;
use uuid::Uuid;

use crate::{NotificationChannel, NotificationError, NotificationRepository, SendError};

/// How many messages are under way at once.
const AT_ONCE: usize = 8;
/// How often saving a result is tried again when the user marks the notification as read meanwhile.
const TRIES: u32 = 5;

/// Sends up to `limit` due notifications of a channel; of a channel that is off, it only gives up the overdue ones.
#[derive(Clone, Debug)]
pub struct DeliverDue {
    /// The channel.
    pub channel: Channel,
    /// The most notifications to send.
    pub limit: u32,
    /// Ends the command early: attempts under way are finished and recorded, no other one begins.
    pub stop: StopFlag,
}

/// Asks a command that is under way to begin nothing new. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks; this cannot be taken back.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Command for DeliverDue {
    const NAME: &'static str = "deliver_due";
    /// What was done; empty where nothing was due.
    type Output = Vec<Attempt>;
    type Error = NotificationError;

    fn permit(&self) -> Permit<'_> {
        Permit::System
    }
}

/// What became of one due notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The notification.
    pub notification_id: NotificationId,
    /// How it went.
    pub outcome: AttemptOutcome,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The other side took the message.
    Sent,
    /// It did not; there will be another attempt. The text is for the log.
    WillRetry(String),
    /// It did not, and that was the last attempt. The text is for the log.
    Failed(String),
    /// The attempt took longer than its claim; somebody else has it now.
    Lost,
}

/// How attempts are made.
#[derive(Clone, Copy, Debug)]
pub struct DeliverySettings {
    /// When failures are repeated.
    pub retry: RetryPolicy,
    /// How long one attempt may take.
    pub timeout: Duration,
}

impl DeliverySettings {
    /// The usual settings with other retries: at most `attempts`, the first pause `base`, the longest `cap`.
    #[must_use]
    pub fn with_retries(self, attempts: u32, base: Duration, cap: Duration) -> Self {
        let delta = |time| TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        let retry = RetryPolicy { max_attempts: attempts, base: delta(base), cap: delta(cap), ..self.retry };
        Self { retry, ..self }
    }

    /// The same settings for a process that may take `shutdown` to stop: an attempt under way is over well before.
    #[must_use]
    pub fn within(self, shutdown: Duration) -> Self {
        Self { timeout: self.timeout.min(shutdown / 2), ..self }
    }

    /// A claim outlasts its attempt, so that two never overlap.
    fn lease(&self) -> TimeDelta {
        TimeDelta::from_std(self.timeout * 3).unwrap_or(TimeDelta::MAX)
    }
}

/// A stop waits for the attempts under way, and keeps a quarter of its 30 s for that at the least.
const ATTEMPT: Duration = Duration::from_secs(6);

impl Default for DeliverySettings {
    fn default() -> Self {
        Self { retry: RetryPolicy::default(), timeout: ATTEMPT }
    }
}

/// Handles [`DeliverDue`].
#[derive(Component)]
#[shaku(interface = CommandHandler<DeliverDue>)]
pub struct DeliverDueHandler {
    #[shaku(inject)]
    pub(crate) notifications: Arc<dyn NotificationRepository>,
    #[shaku(inject)]
    pub(crate) channels: HashMap<Channel, Arc<dyn NotificationChannel>>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) ids: Arc<dyn IdGenerator>,
    /// How attempts are made.
    pub(crate) settings: DeliverySettings,
}

#[async_trait]
impl CommandHandler<DeliverDue> for DeliverDueHandler {
    async fn handle(
        &self,
        ctx: &CallContext,
        DeliverDue { channel, limit, stop }: DeliverDue,
    ) -> Result<Vec<Attempt>, NotificationError> {
        let due = self.notifications.due(channel, self.clock.now(), limit).await?;
        let sender = self.channels.get(&channel).filter(|sender| sender.is_on());
        let stop = &stop;
        let attempts = due.into_iter().map(|id| async move {
            if stop.is_raised() {
                return Ok(None);
            }
            let outcome = match sender {
                Some(sender) => self.attempt(ctx, id, sender.as_ref()).await?,
                None => self.expire(ctx, id).await?,
            };
            Ok(outcome.map(|outcome| Attempt { notification_id: id, outcome }))
        });
        let results: Vec<Result<_, StoreError>> = stream::iter(attempts).buffered(AT_ONCE).collect().await;
        let done: Result<Vec<_>, _> = results.into_iter().filter_map(Result::transpose).collect();
        Ok(done?)
    }
}

impl DeliverDueHandler {
    async fn attempt(
        &self,
        ctx: &CallContext,
        id: NotificationId,
        sender: &dyn NotificationChannel,
    ) -> Result<Option<AttemptOutcome>, StoreError> {
        let token = self.ids.next();
        let Some((notification, turn)) = self.claim(ctx, id, token).await? else { return Ok(None) };
        if turn == Turn::GaveUp {
            return Ok(Some(gave_up(&notification)));
        }
        let result = match tokio::time::timeout(self.settings.timeout, sender.send(&notification)).await {
            Ok(result) => result,
            Err(_) => Err(SendError::Failed { reason: "attempt took too long".to_owned(), source: None }),
        };
        self.record(ctx, notification, token, result).await.map(Some)
    }

    /// `None` where another worker was faster.
    async fn claim(
        &self,
        ctx: &CallContext,
        id: NotificationId,
        token: Uuid,
    ) -> Result<Option<(Notification, Turn)>, StoreError> {
        let Some(mut notification) = self.notifications.find(id, None).await? else { return Ok(None) };
        let (now, settings) = (self.clock.now(), &self.settings);
        let Ok(turn) = notification.claim(token, now, settings.lease(), &settings.retry) else {
            return Ok(None);
        };
        match self.notifications.save(ctx, &mut notification).await {
            Ok(()) => Ok(Some((notification, turn))),
            Err(StoreError::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn record(
        &self,
        ctx: &CallContext,
        mut notification: Notification,
        token: Uuid,
        result: Result<(), SendError>,
    ) -> Result<AttemptOutcome, StoreError> {
        let mut tries = 1;
        loop {
            let Some(outcome) = self.apply(&mut notification, token, &result) else {
                return Ok(AttemptOutcome::Lost);
            };
            match self.notifications.save(ctx, &mut notification).await {
                Ok(()) => return Ok(outcome),
                Err(StoreError::Conflict(_)) if tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
            let Some(current) = self.notifications.find(notification.snapshot().id, None).await? else {
                return Ok(AttemptOutcome::Lost);
            };
            notification = current;
        }
    }

    /// `None` where the claim is lost.
    fn apply(
        &self,
        notification: &mut Notification,
        token: Uuid,
        result: &Result<(), SendError>,
    ) -> Option<AttemptOutcome> {
        let now = self.clock.now();
        let Err(error) = result else {
            return notification.record_sent(token, now).ok().map(|()| AttemptOutcome::Sent);
        };
        let permanent = matches!(error, SendError::Refused { .. });
        let retry = &self.settings.retry;
        notification.record_failure(token, now, error.to_string(), permanent, retry).ok()?;
        let over = notification.snapshot().delivery.as_str() == "failed";
        let detail = with_sources(error);
        Some(if over { AttemptOutcome::Failed(detail) } else { AttemptOutcome::WillRetry(detail) })
    }

    async fn expire(
        &self,
        ctx: &CallContext,
        id: NotificationId,
    ) -> Result<Option<AttemptOutcome>, StoreError> {
        let Some(mut notification) = self.notifications.find(id, None).await? else { return Ok(None) };
        if !notification.expire(self.clock.now(), &self.settings.retry) {
            return Ok(None);
        }
        match self.notifications.save(ctx, &mut notification).await {
            Ok(()) => Ok(Some(gave_up(&notification))),
            Err(StoreError::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn gave_up(notification: &Notification) -> AttemptOutcome {
    AttemptOutcome::Failed(notification.snapshot().last_error.clone().unwrap_or_default())
}

fn with_sources(error: &SendError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
