//! A page of notifications, newest first.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Page, PageRequest, Query, QueryHandler};
use kernel_domain::{UserId, Violations};
use shaku::Component;

use crate::{NotificationError, NotificationFilter, NotificationQueries, NotificationView};

/// Asks for a page of notifications.
#[derive(Clone, Debug, Default)]
pub struct ListNotifications {
    /// Only this user's.
    pub user_id: Option<String>,
    /// Only this channel's.
    pub channel: Option<String>,
    /// Only those nobody has read.
    pub unread: bool,
    /// The most items.
    pub limit: Option<i64>,
    /// Where the page starts.
    pub cursor: Option<String>,
}

impl Query for ListNotifications {
    const NAME: &'static str = "list_notifications";
    type Output = Page<NotificationView>;
    type Error = NotificationError;
}

/// Handles [`ListNotifications`].
#[derive(Component)]
#[shaku(interface = QueryHandler<ListNotifications>)]
pub struct ListNotificationsHandler {
    #[shaku(inject)]
    pub(crate) notifications: Arc<dyn NotificationQueries>,
}

#[async_trait]
impl QueryHandler<ListNotifications> for ListNotificationsHandler {
    async fn handle(
        &self,
        _: &CallContext,
        query: ListNotifications,
    ) -> Result<Page<NotificationView>, NotificationError> {
        let mut violations = Violations::default();
        let user_id = query.user_id.and_then(|id| violations.check(UserId::new(id)));
        let channel = query.channel.and_then(|name| violations.check(name.parse()));
        let page = violations.check(PageRequest::new(query.limit, query.cursor));
        let Some(page) = page else { return Err(violations.into()) };
        violations.into_result()?;
        let filter = NotificationFilter { user_id, channel, unread: query.unread };
        Ok(self.notifications.list(&filter, &page).await?)
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::{UseCaseError, testing::context};

    use super::*;
    use crate::{
        NotificationRepository,
        testing::{MemoryStore, sample},
    };

    #[tokio::test]
    async fn everything_wrong_is_named() {
        let handler = ListNotificationsHandler { notifications: Arc::new(MemoryStore::default()) };
        let query = ListNotifications {
            user_id: Some("a b".into()),
            channel: Some("fax".into()),
            limit: Some(0),
            ..ListNotifications::default()
        };
        let error = handler.handle(&context(), query).await.unwrap_err();
        let fields: Vec<_> = error.violations().iter().map(kernel_domain::Violation::field).collect();
        assert_eq!(fields, ["user_id", "channel", "limit"]);
        let query = ListNotifications { cursor: Some("?".into()), ..ListNotifications::default() };
        let error = handler.handle(&context(), query).await.unwrap_err();
        assert_eq!(error.violations()[0].field(), "cursor");
    }

    #[tokio::test]
    async fn filters_by_user() {
        let store = Arc::new(MemoryStore::default());
        store.add_all(&context(), vec![sample(1, "ada"), sample(2, "bob")]).await.unwrap();
        let handler = ListNotificationsHandler { notifications: store };
        let query = ListNotifications { user_id: Some("bob".into()), ..ListNotifications::default() };
        let page = handler.handle(&context(), query).await.unwrap();
        assert_eq!(page.items.iter().map(|item| &*item.user_id).collect::<Vec<_>>(), ["bob"]);
    }
}
