//! A page of notifications, newest first.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Page, PageRequest, Permit, Query, QueryHandler};
use kernel_domain::{UserId, Violations};
use shaku::Component;

use crate::{NotificationError, NotificationFilter, NotificationQueries, NotificationView};

/// Asks for a page of notifications.
#[derive(Clone, Debug, Default)]
pub struct ListNotifications {
    /// Only this user's; without it, all that the caller may see.
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

    fn permit(&self) -> Permit<'_> {
        self.user_id.as_deref().map_or(Permit::Known, Permit::User)
    }
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
        ctx: &CallContext,
        query: ListNotifications,
    ) -> Result<Page<NotificationView>, NotificationError> {
        let mut violations = Violations::default();
        let user_id = match query.user_id {
            Some(id) => violations.check(UserId::new(id)),
            None => ctx.caller().scope()?.cloned(),
        };
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
    use kernel_application::{
        UseCaseError,
        testing::{context, context_of},
    };

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
        assert_eq!(users(&page), ["bob"]);
    }

    #[tokio::test]
    async fn without_a_user_everybody_gets_what_they_may_see() {
        let store = Arc::new(MemoryStore::default());
        store.add_all(&context(), vec![sample(1, "ada"), sample(2, "bob")]).await.unwrap();
        let handler = ListNotificationsHandler { notifications: store };
        let page = handler.handle(&context_of("ada"), ListNotifications::default()).await.unwrap();
        assert_eq!(users(&page), ["ada"]);
        let page = handler.handle(&context(), ListNotifications::default()).await.unwrap();
        assert_eq!(users(&page), ["bob", "ada"]);
    }

    fn users(page: &Page<NotificationView>) -> Vec<&str> {
        page.items.iter().map(|item| &*item.user_id).collect()
    }
}
