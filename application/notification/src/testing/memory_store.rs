//! All store ports in memory.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kernel_application::{CallContext, InvalidCursor, Page, PageRequest, StoreError, messaging::Delivery};
use kernel_domain::{EventId, Timestamp, UserId};
use notification_domain::{Channel, DeliveryState, Notification, NotificationId};

use crate::{
    FeedItem, NotificationFeed, NotificationFilter, NotificationQueries, NotificationRepository,
    NotificationView, PageError,
};

/// Notifications in memory; the place in the list is the cursor.
#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Default)]
struct State {
    rows: Vec<Notification>,
    position: i64,
    handled: HashSet<EventId>,
    interfere: bool,
}

impl MemoryStore {
    /// Everything kept, oldest first.
    pub fn all(&self) -> Vec<Notification> {
        self.state().rows.clone()
    }

    /// The next save loses against another one.
    pub fn interfere_with_next_save(&self) {
        self.state().interfere = true;
    }

    /// A delivery of `event` at the position of now.
    pub fn delivery(&self, event: EventId) -> Delivery {
        let expected = self.state().position;
        Delivery {
            consumer: "notification".into(),
            topic: "payment-events".into(),
            partition: 0,
            epoch: 1,
            expected,
            next: expected + 1,
            event_id: Some(event),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn settle(&mut self, delivery: Option<&Delivery>) -> Result<(), StoreError> {
        let Some(delivery) = delivery else { return Ok(()) };
        if delivery.expected != self.position {
            return Err(StoreError::Fenced);
        }
        self.position = delivery.next;
        match delivery.event_id {
            Some(event) if !self.handled.insert(event) => Err(StoreError::AlreadyApplied),
            _ => Ok(()),
        }
    }

    fn knows(&self, new: &Notification) -> bool {
        let key = |note: &Notification| (note.snapshot().event_id, note.snapshot().channel);
        self.rows.iter().any(|row| key(row) == key(new))
    }
}

#[async_trait]
impl NotificationRepository for MemoryStore {
    async fn find(
        &self,
        id: NotificationId,
        of: Option<&UserId>,
    ) -> Result<Option<Notification>, StoreError> {
        let wanted = |row: &&Notification| {
            let row = row.snapshot();
            row.id == id && of.is_none_or(|user| *user == row.user_id)
        };
        Ok(self.state().rows.iter().find(wanted).cloned())
    }

    async fn add_all(&self, ctx: &CallContext, new: Vec<Notification>) -> Result<usize, StoreError> {
        let mut state = self.state();
        state.settle(ctx.delivery())?;
        let before = state.rows.len();
        for mut notification in new {
            if !state.knows(&notification) {
                notification.saved();
                state.rows.push(notification);
            }
        }
        Ok(state.rows.len() - before)
    }

    async fn save(&self, ctx: &CallContext, notification: &mut Notification) -> Result<(), StoreError> {
        let mut state = self.state();
        let (id, version) = (notification.snapshot().id, notification.snapshot().version);
        let place =
            state.rows.iter().position(|row| (row.snapshot().id, row.snapshot().version) == (id, version));
        let interfered = std::mem::take(&mut state.interfere);
        let Some(place) = place.filter(|_| !interfered) else {
            return Err(StoreError::Conflict("notification"));
        };
        state.settle(ctx.delivery())?;
        notification.saved();
        state.rows[place] = notification.clone();
        Ok(())
    }

    async fn due(
        &self,
        channel: Channel,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<NotificationId>, StoreError> {
        let mut due: Vec<_> = self
            .all()
            .iter()
            .filter(|row| row.snapshot().channel == channel)
            .filter_map(|row| match row.snapshot().delivery {
                DeliveryState::Pending { due, .. } if due <= now => Some((due, row.snapshot().id)),
                _ => None,
            })
            .collect();
        due.sort();
        Ok(due.into_iter().take(limit as usize).map(|(_, id)| id).collect())
    }
}

#[async_trait]
impl NotificationQueries for MemoryStore {
    async fn get(
        &self,
        id: NotificationId,
        of: Option<&UserId>,
    ) -> Result<Option<NotificationView>, StoreError> {
        Ok(self.find(id, of).await?.as_ref().map(NotificationView::from))
    }

    async fn list(
        &self,
        filter: &NotificationFilter,
        page: &PageRequest,
    ) -> Result<Page<NotificationView>, PageError> {
        let before = page.cursor().map(place).transpose()?.unwrap_or(usize::MAX);
        let rows = self.all();
        let matching = rows.iter().enumerate().rev().filter(|(place, row)| {
            let row = row.snapshot();
            *place < before
                && filter.user_id.as_ref().is_none_or(|user| *user == row.user_id)
                && filter.channel.is_none_or(|channel| channel == row.channel)
                && !(filter.unread && row.read_at.is_some())
        });
        let rows: Vec<_> = matching.take(page.limit() as usize + 1).collect();
        let page = Page::from_rows(rows, page.limit(), |(place, _)| place.to_string());
        Ok(page.map(|(_, row)| NotificationView::from(row)))
    }
}

#[async_trait]
impl NotificationFeed for MemoryStore {
    async fn end(&self, user: &UserId) -> Result<String, StoreError> {
        let last = self.state().rows.iter().rposition(|row| row.snapshot().user_id == *user);
        Ok(last.map_or(0, |place| place + 1).to_string())
    }

    async fn after(&self, user: &UserId, cursor: &str, limit: u32) -> Result<Vec<FeedItem>, PageError> {
        let start = place(cursor)?;
        let rows = self.all();
        let matching =
            rows.iter().enumerate().skip(start).filter(|(_, row)| {
                row.snapshot().user_id == *user && row.snapshot().channel == Channel::InApp
            });
        let item = |(place, row): (usize, &Notification)| FeedItem {
            cursor: (place + 1).to_string(),
            notification: NotificationView::from(row),
        };
        Ok(matching.take(limit as usize).map(item).collect())
    }
}

fn place(cursor: &str) -> Result<usize, InvalidCursor> {
    cursor.parse().map_err(|_| InvalidCursor)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::contract::{self, Stores};

    struct Memory(Arc<MemoryStore>);

    #[async_trait]
    impl Stores for Memory {
        fn repository(&self) -> Arc<dyn NotificationRepository> {
            self.0.clone()
        }

        fn queries(&self) -> Arc<dyn NotificationQueries> {
            self.0.clone()
        }

        fn feed(&self) -> Arc<dyn NotificationFeed> {
            self.0.clone()
        }

        async fn delivery(&self, event: EventId) -> Delivery {
            self.0.delivery(event)
        }
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        contract::all(async || Memory(Arc::default())).await;
    }
}
