//! A user's notifications in the app, in commit order.
//!
//! SQLite has one writer at a time, so numbers become visible in order and a follower of the number misses nothing.

use async_trait::async_trait;
use diesel::{dsl::max, prelude::*};
use kernel_application::StoreError;
use kernel_domain::UserId;
use notification_application::{Channel, FeedItem, NotificationFeed, PageError};
use platform_sqlite::Database;
use shaku::Component;

use crate::{cursor, row::Row, schema::notification};

/// The feed of one file.
#[derive(Component)]
#[shaku(interface = NotificationFeed)]
pub struct SqliteNotificationFeed {
    /// The file.
    db: Database,
}

impl SqliteNotificationFeed {
    /// The feed of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl NotificationFeed for SqliteNotificationFeed {
    async fn end(&self, user: &UserId) -> Result<String, StoreError> {
        let user = user.to_string();
        let last = self
            .db
            .read("find end of feed", move |connection| {
                notification::table
                    .filter(notification::user_id.eq(user))
                    .select(max(notification::seq))
                    .first::<Option<i64>>(connection)
            })
            .await?;
        Ok(cursor::cursor(last.unwrap_or_default()))
    }

    async fn after(&self, user: &UserId, cursor: &str, limit: u32) -> Result<Vec<FeedItem>, PageError> {
        let (user, start) = (user.to_string(), cursor::seq(cursor)?);
        let items = self
            .db
            .read("read feed", move |connection| {
                let rows: Vec<(i64, Row)> = notification::table
                    .filter(notification::user_id.eq(user))
                    .filter(notification::channel.eq(Channel::InApp.as_str()))
                    .filter(notification::seq.gt(start))
                    .order(notification::seq)
                    .limit(limit.into())
                    .select((notification::seq, Row::as_select()))
                    .load(connection)?;
                rows.into_iter().map(item).collect::<QueryResult<Vec<_>>>()
            })
            .await?;
        Ok(items)
    }
}

fn item((seq, row): (i64, Row)) -> QueryResult<FeedItem> {
    Ok(FeedItem { cursor: cursor::cursor(seq), notification: row.view()? })
}
