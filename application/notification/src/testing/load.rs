//! One unit of work per operation of the ports, for benches: every store is measured by the very same.
//!
//! Each operation takes a number that is spread over all there are and never comes twice, and picks a user by it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use kernel_application::{BoxError, PageRequest, testing::context};
use kernel_domain::UserId;
use notification_domain::{Channel, Notification, NotificationId};

use super::{at, sample_on};
use crate::{NotificationFilter, NotificationQueries, NotificationRepository};

/// What a client sees of a page.
const PAGE: i64 = 20;
/// Among whom the notifications are spread.
const USERS: u64 = 1_000;
/// How many notifications are put into the store at once before a bench.
const BATCH: usize = 500;

/// The ports of a store, and the notifications put into it that nobody has read.
pub struct Load {
    repository: Arc<dyn NotificationRepository>,
    queries: Arc<dyn NotificationQueries>,
    events: AtomicU64,
    unread: Vec<NotificationId>,
    read: AtomicU64,
}

impl Load {
    /// Puts `count` notifications into the store, each about an event of its own.
    pub async fn fill(
        repository: Arc<dyn NotificationRepository>,
        queries: Arc<dyn NotificationQueries>,
        count: u32,
    ) -> Result<Self, BoxError> {
        let (events, read) = (AtomicU64::new(1), AtomicU64::new(0));
        let mut load = Self { repository, queries, events, unread: Vec::new(), read };
        let all: Vec<_> =
            (0..count).map(|number| load.about_a_new_event(number.into(), Channel::InApp)).collect();
        for batch in all.chunks(BATCH) {
            load.repository.add_all(&context(), batch.to_vec()).await?;
        }
        load.unread = all.iter().map(|notification| notification.snapshot().id).collect();
        Ok(load)
    }

    /// Keeps what one event brings on two channels.
    pub async fn add_all(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let event = self.events.fetch_add(1, Ordering::Relaxed);
        let new = [Channel::InApp, Channel::Email].map(|channel| about(event, chance, channel));
        let kept = self.repository.add_all(&context(), new.into()).await?;
        if kept == 2 { Ok(()) } else { Err("the event was known".into()) }
    }

    /// Shows the newest notifications of one user.
    pub async fn list(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let user_id = Some(UserId::new(user(chance))?);
        let filter = NotificationFilter { user_id, channel: None, unread: false };
        let page = self.queries.list(&filter, &PageRequest::new(Some(PAGE), None)?).await?;
        if page.items.is_empty() { Err("the page is empty".into()) } else { Ok(()) }
    }

    /// Shows one notification.
    pub async fn get(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let id = self.nth(chance)?;
        self.queries.get(id, None).await?.map(drop).ok_or_else(|| "the notification is gone".into())
    }

    /// Loads one notification that nobody has read, and saves it as read.
    pub async fn mark_read(self: Arc<Self>, _: u64) -> Result<(), BoxError> {
        let turn = self.read.fetch_add(1, Ordering::Relaxed);
        let found = self.repository.find(self.nth(turn)?, None).await?;
        let mut notification = found.ok_or("the notification is gone")?;
        if !notification.mark_read(at(0)) {
            return Err("all notifications are read".into());
        }
        Ok(self.repository.save(&context(), &mut notification).await?)
    }

    fn about_a_new_event(&self, chance: u64, channel: Channel) -> Notification {
        about(self.events.fetch_add(1, Ordering::Relaxed), chance, channel)
    }

    fn nth(&self, turn: u64) -> Result<NotificationId, BoxError> {
        let count = self.unread.len().max(1) as u64;
        let id = self.unread.get(usize::try_from(turn % count)?);
        id.copied().ok_or_else(|| "there are no notifications".into())
    }
}

fn about(event: u64, chance: u64, channel: Channel) -> Notification {
    sample_on(event.into(), &user(chance), channel)
}

fn user(chance: u64) -> String {
    format!("user-{}", chance % USERS)
}
