//! Marks a notification as read.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit, StoreError};
use kernel_domain::Violations;
use notification_domain::NotificationId;
use shaku::Component;

use crate::{NotificationError, NotificationRepository, NotificationView};

/// How often a lost race against a delivery is tried again.
const TRIES: u32 = 5;

/// Marks a notification as read; the first time counts, and repeating it is no error.
#[derive(Clone, Debug)]
pub struct MarkRead {
    /// The notification's UUID.
    pub id: String,
}

impl Command for MarkRead {
    const NAME: &'static str = "mark_read";
    type Output = NotificationView;
    type Error = NotificationError;

    fn permit(&self) -> Permit<'_> {
        Permit::Known
    }
}

/// Handles [`MarkRead`].
#[derive(Component)]
#[shaku(interface = CommandHandler<MarkRead>)]
pub struct MarkReadHandler {
    #[shaku(inject)]
    pub(crate) notifications: Arc<dyn NotificationRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<MarkRead> for MarkReadHandler {
    async fn handle(
        &self,
        ctx: &CallContext,
        MarkRead { id }: MarkRead,
    ) -> Result<NotificationView, NotificationError> {
        let id = NotificationId::parse(&id).map_err(Violations::from)?;
        let mut tries = 1;
        loop {
            match self.mark(ctx, id).await {
                Err(NotificationError::Store(StoreError::Conflict(_))) if tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }
}

impl MarkReadHandler {
    async fn mark(
        &self,
        ctx: &CallContext,
        id: NotificationId,
    ) -> Result<NotificationView, NotificationError> {
        let found = self.notifications.find(id, ctx.caller().scope()?).await?;
        let mut notification = found.ok_or_else(|| NotificationError::NotFound(id.to_string()))?;
        if notification.mark_read(self.clock.now()) {
            self.notifications.save(ctx, &mut notification).await?;
        }
        Ok(NotificationView::from(&notification))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel_application::testing::{ManualClock, context, context_of};

    use super::*;
    use crate::testing::{MemoryStore, sample};

    fn handler(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>) -> MarkReadHandler {
        MarkReadHandler { notifications: store.clone(), clock: clock.clone() }
    }

    #[tokio::test]
    async fn the_first_time_counts() {
        let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(ManualClock::default()));
        store.add_all(&context(), vec![sample(1, "ada")]).await.unwrap();
        let id = store.all()[0].snapshot().id.to_string();
        let first = handler(&store, &clock).handle(&context(), MarkRead { id: id.clone() }).await.unwrap();
        clock.advance(TimeDelta::minutes(1));
        let again = handler(&store, &clock).handle(&context(), MarkRead { id }).await.unwrap();
        assert!(first.read_at.is_some());
        assert_eq!(first, again);
    }

    #[tokio::test]
    async fn unknown_and_malformed_ids_are_told_apart() {
        let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(ManualClock::default()));
        let handler = handler(&store, &clock);
        let unknown = MarkRead { id: uuid::Uuid::from_u128(9).to_string() };
        let error = handler.handle(&context(), unknown).await.unwrap_err();
        assert!(matches!(error, NotificationError::NotFound(_)));
        let error = handler.handle(&context(), MarkRead { id: "x".into() }).await.unwrap_err();
        assert!(matches!(error, NotificationError::Invalid(_)));
    }

    #[tokio::test]
    async fn nobody_reads_the_notifications_of_others() {
        let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(ManualClock::default()));
        store.add_all(&context(), vec![sample(1, "ada")]).await.unwrap();
        let command = MarkRead { id: store.all()[0].snapshot().id.to_string() };
        let handler = handler(&store, &clock);
        let error = handler.handle(&context_of("bob"), command.clone()).await.unwrap_err();
        assert!(matches!(error, NotificationError::NotFound(_)));
        assert_eq!(store.all()[0].snapshot().read_at, None);
        assert!(handler.handle(&context_of("ada"), command).await.is_ok());
    }
}
