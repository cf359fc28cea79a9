//! Notifications, as aggregates.

use async_trait::async_trait;
use diesel::{dsl::auto_type, prelude::*};
use diesel_async::RunQueryDsl;
use kernel_application::{CallContext, StoreError};
use kernel_domain::{Timestamp, UserId};
use notification_application::{Channel, NotificationRepository};
use notification_domain::{Notification, NotificationId};
use platform_postgres::{Database, PgUuid, Prepared};
use shaku::Component;

use crate::{
    queries::one,
    row::{Progress, Row, column},
    schema::notification,
};

/// How many rows one statement inserts. An event makes one for each channel, which this has room for; a connection keeps a
/// statement prepared for each number of rows up to it.
const ROWS: usize = 16;

/// The repository of one database.
#[derive(Component)]
#[shaku(interface = NotificationRepository)]
pub struct PgNotificationRepository {
    /// The database.
    db: Database,
}

impl PgNotificationRepository {
    /// The repository of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl NotificationRepository for PgNotificationRepository {
    async fn find(
        &self,
        id: NotificationId,
        of: Option<&UserId>,
    ) -> Result<Option<Notification>, StoreError> {
        self.db
            .read("load notification", async |connection| {
                one(connection, id, of).await?.map(Row::notification).transpose()
            })
            .await
    }

    async fn add_all(&self, ctx: &CallContext, mut new: Vec<Notification>) -> Result<usize, StoreError> {
        // Each row takes its user's turn. All take turns in one order, so that no two wait for each other.
        new.sort_by(|a, b| a.snapshot().user_id.as_str().cmp(b.snapshot().user_id.as_str()));
        let rows: Vec<_> = new.iter().map(Row::new).collect();
        self.db
            .write(ctx, "add notifications", async |tx| {
                // From here to the commit others who insert for these users wait, so nothing else may come after it.
                let mut added = 0;
                for some in rows.chunks(ROWS) {
                    let insert = diesel::insert_into(notification::table)
                        .values(some)
                        .on_conflict((notification::event_id, notification::channel))
                        .do_nothing();
                    added += Prepared(insert).execute(tx.conn()).await?;
                }
                Ok(added)
            })
            .await
    }

    async fn save(&self, ctx: &CallContext, notification: &mut Notification) -> Result<(), StoreError> {
        let progress = Progress::of(notification);
        let (id, version) = (notification.snapshot().id, notification.snapshot().version);
        self.db
            .write(ctx, "save notification", async |tx| {
                let current = current(PgUuid(*id.as_uuid()), column(version));
                match Prepared(diesel::update(current).set(progress)).execute(tx.conn()).await? {
                    0 => Err(StoreError::Conflict("notification").into()),
                    _ => Ok(()),
                }
            })
            .await?;
        notification.saved();
        Ok(())
    }

    async fn due(
        &self,
        channel: Channel,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<NotificationId>, StoreError> {
        let ids: Vec<PgUuid> = self
            .db
            .read("find due notifications", async |connection| {
                due(channel.as_str(), now, limit.into()).load(connection).await
            })
            .await?;
        Ok(ids.into_iter().map(|PgUuid(id)| NotificationId::from_uuid(id)).collect())
    }
}

/// The notification, where it still has this version.
#[auto_type(no_type_alias)]
pub(crate) fn current(id: PgUuid, version: i64) -> _ {
    notification::table.filter(notification::id.eq(id)).filter(notification::version.eq(version))
}

/// What is due has a time when it is due, and what has one is pending: the table sees to that.
#[auto_type(no_type_alias)]
pub(crate) fn due<'a>(channel: &'a str, now: Timestamp, limit: i64) -> _ {
    notification::table
        .filter(notification::channel.eq(channel))
        .filter(notification::due_at.le(now))
        .order((notification::due_at, notification::seq))
        .limit(limit)
        .select(notification::id)
}
