//! Notifications, as views.

use async_trait::async_trait;
use diesel::{
    dsl::{AsSelect, SqlTypeOf, auto_type},
    pg::Pg,
    prelude::*,
    sql_types::BigInt,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel_application::{Page, PageRequest, StoreError};
use kernel_domain::UserId;
use notification_application::{NotificationFilter, NotificationQueries, NotificationView, PageError};
use notification_domain::NotificationId;
use platform_postgres::{Database, PgUuid};
use shaku::Component;

use crate::{cursor, row::Row, schema::notification};

/// The queries of one database.
#[derive(Component)]
#[shaku(interface = NotificationQueries)]
pub struct PgNotificationQueries {
    /// The database.
    db: Database,
}

impl PgNotificationQueries {
    /// The queries of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl NotificationQueries for PgNotificationQueries {
    async fn get(
        &self,
        id: NotificationId,
        of: Option<&UserId>,
    ) -> Result<Option<NotificationView>, StoreError> {
        self.db
            .read("read notification", async |connection| {
                one(connection, id, of).await?.map(Row::view).transpose()
            })
            .await
    }

    async fn list(
        &self,
        filter: &NotificationFilter,
        page: &PageRequest,
    ) -> Result<Page<NotificationView>, PageError> {
        let before = page.cursor().map(cursor::seq).transpose()?.unwrap_or(i64::MAX);
        let limit = page.limit();
        let rows = self
            .db
            .read("list notifications", async |connection| {
                let rows: Vec<(i64, Row)> =
                    newest(filter, before, i64::from(limit) + 1).load(connection).await?;
                rows.into_iter().map(|(seq, row)| Ok((seq, row.view()?))).collect::<QueryResult<Vec<_>>>()
            })
            .await?;
        let page = Page::from_rows(rows, limit, |(seq, _)| cursor::cursor(*seq));
        Ok(page.map(|(_, view)| view))
    }
}

/// The notification, where there is one and, where `of` names a user, it is theirs.
pub(crate) async fn one(
    connection: &mut AsyncPgConnection,
    id: NotificationId,
    of: Option<&UserId>,
) -> QueryResult<Option<Row>> {
    match of {
        Some(user) => by_id_of(id, user.as_str()).first(connection).await.optional(),
        None => by_id(id).first(connection).await.optional(),
    }
}

/// One notification.
#[auto_type(no_type_alias)]
pub(crate) fn by_id(id: NotificationId) -> _ {
    let (id, row): (PgUuid, AsSelect<Row, Pg>) = (PgUuid(*id.as_uuid()), Row::as_select());
    notification::table.filter(notification::id.eq(id)).select(row)
}

/// One notification of a user's.
#[auto_type(no_type_alias)]
pub(crate) fn by_id_of<'a>(id: NotificationId, user: &'a str) -> _ {
    let (id, row): (PgUuid, AsSelect<Row, Pg>) = (PgUuid(*id.as_uuid()), Row::as_select());
    notification::table.filter(notification::id.eq(id)).filter(notification::user_id.eq(user)).select(row)
}

/// Numbers and rows.
type Numbered<'a> = notification::BoxedQuery<'a, Pg, (BigInt, SqlTypeOf<AsSelect<Row, Pg>>)>;

/// The newest of those numbered below `before`.
pub(crate) fn newest(filter: &NotificationFilter, before: i64, limit: i64) -> Numbered<'_> {
    let mut query = notification::table.select((notification::seq, Row::as_select())).into_boxed();
    if let Some(user) = &filter.user_id {
        query = query.filter(notification::user_id.eq(user.as_str()));
    }
    if let Some(channel) = filter.channel {
        query = query.filter(notification::channel.eq(channel.as_str()));
    }
    if filter.unread {
        query = query.filter(notification::read_at.is_null());
    }
    query.filter(notification::seq.lt(before)).order(notification::seq.desc()).limit(limit)
}
