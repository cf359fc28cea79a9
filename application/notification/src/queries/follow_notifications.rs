//! A slice of a user's live feed: what came after a cursor.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Permit, Query, QueryHandler};
use kernel_domain::{UserId, Violations};
use shaku::Component;

use crate::{FeedItem, NotificationError, NotificationFeed};

/// The most items of one slice.
const LIMIT: u32 = 100;

/// Asks what a user was told in the app after `cursor`; without one, only where the feed ends now.
#[derive(Clone, Debug)]
pub struct FollowNotifications {
    /// The user.
    pub user_id: String,
    /// Where the last slice ended.
    pub cursor: Option<String>,
}

/// A slice of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSlice {
    /// What came, oldest first.
    pub items: Vec<FeedItem>,
    /// Where to go on from.
    pub cursor: String,
}

impl Query for FollowNotifications {
    const NAME: &'static str = "follow_notifications";
    type Output = FeedSlice;
    type Error = NotificationError;

    fn permit(&self) -> Permit<'_> {
        Permit::User(&self.user_id)
    }
}

/// Handles [`FollowNotifications`].
#[derive(Component)]
#[shaku(interface = QueryHandler<FollowNotifications>)]
pub struct FollowNotificationsHandler {
    #[shaku(inject)]
    pub(crate) feed: Arc<dyn NotificationFeed>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl QueryHandler<FollowNotifications> for FollowNotificationsHandler {
    /// A feed is followed with one context for hours, so each slice asks whether its caller is still known.
    async fn handle(
        &self,
        ctx: &CallContext,
        query: FollowNotifications,
    ) -> Result<FeedSlice, NotificationError> {
        ctx.caller().lasts(self.clock.now())?;
        let user = UserId::new(query.user_id).map_err(Violations::from)?;
        let Some(start) = query.cursor else {
            return Ok(FeedSlice { items: vec![], cursor: self.feed.end(&user).await? });
        };
        let items = self.feed.after(&user, &start, LIMIT).await?;
        let cursor = items.last().map_or(start, |item| item.cursor.clone());
        Ok(FeedSlice { items, cursor })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel_application::{
        Caller, Denied, Principal,
        testing::{ManualClock, context},
    };

    use super::*;
    use crate::{
        NotificationRepository,
        testing::{MemoryStore, sample},
    };

    fn handler(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>) -> FollowNotificationsHandler {
        FollowNotificationsHandler { feed: store.clone(), clock: clock.clone() }
    }

    #[tokio::test]
    async fn starts_at_the_end_and_goes_on() {
        let store = Arc::new(MemoryStore::default());
        store.add_all(&context(), vec![sample(1, "ada")]).await.unwrap();
        let handler = handler(&store, &Arc::default());
        let follow = |cursor| FollowNotifications { user_id: "ada".into(), cursor };
        let start = handler.handle(&context(), follow(None)).await.unwrap();
        assert!(start.items.is_empty());
        store.add_all(&context(), vec![sample(2, "ada"), sample(3, "bob")]).await.unwrap();
        let next = handler.handle(&context(), follow(Some(start.cursor))).await.unwrap();
        assert_eq!(next.items.len(), 1);
        let last = handler.handle(&context(), follow(Some(next.cursor))).await.unwrap();
        assert!(last.items.is_empty());
    }

    #[tokio::test]
    async fn a_foreign_cursor_is_refused() {
        let handler = handler(&Arc::default(), &Arc::default());
        let query = FollowNotifications { user_id: "ada".into(), cursor: Some("?".into()) };
        let error = handler.handle(&context(), query).await.unwrap_err();
        assert!(matches!(error, NotificationError::Invalid(_)));
    }

    #[tokio::test]
    async fn nobody_follows_for_longer_than_they_are_known() {
        let clock: Arc<ManualClock> = Arc::default();
        let handler = handler(&Arc::default(), &clock);
        let until = clock.now() + TimeDelta::seconds(60);
        let ada = Principal::new(UserId::new("ada").unwrap(), []).until(until);
        let ctx = context().by(Caller::known(ada));
        let follow = || FollowNotifications { user_id: "ada".into(), cursor: None };
        clock.advance(TimeDelta::seconds(59));
        assert!(handler.handle(&ctx, follow()).await.is_ok());
        clock.advance(TimeDelta::seconds(1));
        let error = handler.handle(&ctx, follow()).await.unwrap_err();
        assert!(matches!(error, NotificationError::Denied(Denied::Unauthenticated)), "{error}");
    }
}
