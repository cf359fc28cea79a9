//! Notifications, as views.

use async_trait::async_trait;
use diesel::prelude::*;
use kernel_application::{Page, PageRequest, StoreError};
use kernel_domain::UserId;
use notification_application::{NotificationFilter, NotificationQueries, NotificationView, PageError};
use notification_domain::NotificationId;
use platform_sqlite::Database;
use shaku::Component;

use crate::{cursor, row::Row, schema::notification};

/// The queries of one file.
#[derive(Component)]
#[shaku(interface = NotificationQueries)]
pub struct SqliteNotificationQueries {
    /// The file.
    db: Database,
}

impl SqliteNotificationQueries {
    /// The queries of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl NotificationQueries for SqliteNotificationQueries {
    async fn get(
        &self,
        id: NotificationId,
        of: Option<&UserId>,
    ) -> Result<Option<NotificationView>, StoreError> {
        let one = one(id, of);
        self.db
            .read("read notification", move |connection| {
                let row = one.select(Row::as_select()).first(connection).optional()?;
                row.map(Row::view).transpose()
            })
            .await
    }

    async fn list(
        &self,
        filter: &NotificationFilter,
        page: &PageRequest,
    ) -> Result<Page<NotificationView>, PageError> {
        let before = page.cursor().map(cursor::seq).transpose()?.unwrap_or(i64::MAX);
        let (filter, limit) = (filter.clone(), page.limit());
        let rows = self
            .db
            .read("list notifications", move |connection| {
                let rows: Vec<(i64, Row)> = matching(filter)
                    .filter(notification::seq.lt(before))
                    .order(notification::seq.desc())
                    .limit(i64::from(limit) + 1)
                    .select((notification::seq, Row::as_select()))
                    .load(connection)?;
                rows.into_iter().map(|(seq, row)| Ok((seq, row.view()?))).collect::<QueryResult<Vec<_>>>()
            })
            .await?;
        let page = Page::from_rows(rows, limit, |(seq, _)| cursor::cursor(*seq));
        Ok(page.map(|(_, view)| view))
    }
}

/// One notification, of that user's where there is one.
pub(crate) fn one(id: NotificationId, of: Option<&UserId>) -> Boxed {
    let one = notification::table.filter(notification::id.eq(id.to_string())).into_boxed();
    match of {
        Some(user) => one.filter(notification::user_id.eq(user.to_string())),
        None => one,
    }
}

type Boxed = notification::BoxedQuery<'static, diesel::sqlite::Sqlite>;

fn matching(filter: NotificationFilter) -> Boxed {
    let mut query = notification::table.into_boxed();
    if let Some(user) = filter.user_id {
        query = query.filter(notification::user_id.eq(user.to_string()));
    }
    if let Some(channel) = filter.channel {
        query = query.filter(notification::channel.eq(channel.as_str()));
    }
    if filter.unread {
        query = query.filter(notification::read_at.is_null());
    }
    query
}
