//! One notification.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler};
use kernel_domain::Violations;
use notification_domain::NotificationId;
use shaku::Component;

use crate::{NotificationError, NotificationQueries, NotificationView};

/// Asks for one notification.
#[derive(Clone, Debug)]
pub struct GetNotification {
    /// The notification's UUID.
    pub id: String,
}

impl Query for GetNotification {
    const NAME: &'static str = "get_notification";
    type Output = NotificationView;
    type Error = NotificationError;

    fn permit(&self) -> Permit<'_> {
        Permit::Known
    }
}

/// Handles [`GetNotification`].
#[derive(Component)]
#[shaku(interface = QueryHandler<GetNotification>)]
pub struct GetNotificationHandler {
    #[shaku(inject)]
    pub(crate) notifications: Arc<dyn NotificationQueries>,
}

#[async_trait]
impl QueryHandler<GetNotification> for GetNotificationHandler {
    async fn handle(
        &self,
        ctx: &CallContext,
        GetNotification { id }: GetNotification,
    ) -> Result<NotificationView, NotificationError> {
        let id = NotificationId::parse(&id).map_err(Violations::from)?;
        let found = self.notifications.get(id, ctx.caller().scope()?).await?;
        found.ok_or_else(|| NotificationError::NotFound(id.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::{context, context_of};

    use super::*;
    use crate::{
        NotificationRepository,
        testing::{MemoryStore, sample},
    };

    #[tokio::test]
    async fn answers_it_or_says_that_there_is_none() {
        let store = Arc::new(MemoryStore::default());
        store.add_all(&context(), vec![sample(1, "ada")]).await.unwrap();
        let id = store.all()[0].snapshot().id.to_string();
        let handler = GetNotificationHandler { notifications: store };
        let found = handler.handle(&context(), GetNotification { id: id.clone() }).await.unwrap();
        assert_eq!(found.id.to_string(), id);
        let unknown = GetNotification { id: uuid::Uuid::max().to_string() };
        let error = handler.handle(&context(), unknown).await.unwrap_err();
        assert!(matches!(error, NotificationError::NotFound(_)));
    }

    #[tokio::test]
    async fn what_is_another_s_is_not_there() {
        let store = Arc::new(MemoryStore::default());
        store.add_all(&context(), vec![sample(1, "ada")]).await.unwrap();
        let query = GetNotification { id: store.all()[0].snapshot().id.to_string() };
        let handler = GetNotificationHandler { notifications: store };
        let error = handler.handle(&context_of("bob"), query.clone()).await.unwrap_err();
        assert!(matches!(error, NotificationError::NotFound(_)));
        assert!(handler.handle(&context_of("ada"), query).await.is_ok());
    }
}
