//! Notifications, as aggregates.

use async_trait::async_trait;
use diesel::prelude::*;
use kernel_application::{CallContext, StoreError};
use kernel_domain::{Timestamp, UserId};
use notification_application::{Channel, NotificationRepository};
use notification_domain::{Notification, NotificationId};
use platform_sqlite::{Database, micros};
use shaku::Component;

use crate::{
    queries::one,
    row::{Progress, Row, column},
    schema::notification,
};

/// The repository of one file.
#[derive(Component)]
#[shaku(interface = NotificationRepository)]
pub struct SqliteNotificationRepository {
    /// The file.
    db: Database,
}

impl SqliteNotificationRepository {
    /// The repository of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl NotificationRepository for SqliteNotificationRepository {
    async fn find(
        &self,
        id: NotificationId,
        of: Option<&UserId>,
    ) -> Result<Option<Notification>, StoreError> {
        let one = one(id, of);
        self.db
            .read("load notification", move |connection| {
                let row = one.select(Row::as_select()).first(connection).optional()?;
                row.map(Row::notification).transpose()
            })
            .await
    }

    async fn add_all(&self, ctx: &CallContext, new: Vec<Notification>) -> Result<usize, StoreError> {
        let rows: Vec<_> = new.iter().map(Row::new).collect();
        self.db
            .write(ctx, "add notifications", move |tx| {
                let mut count = 0;
                for row in rows {
                    count += diesel::insert_into(notification::table)
                        .values(row)
                        .on_conflict((notification::event_id, notification::channel))
                        .do_nothing()
                        .execute(tx.conn())?;
                }
                Ok(count)
            })
            .await
    }

    async fn save(&self, ctx: &CallContext, notification: &mut Notification) -> Result<(), StoreError> {
        let progress = Progress::of(notification);
        let (id, version) = (notification.snapshot().id.to_string(), notification.snapshot().version);
        self.db
            .write(ctx, "save notification", move |tx| {
                let current = notification::table
                    .filter(notification::id.eq(id))
                    .filter(notification::version.eq(column(version)));
                match diesel::update(current).set(progress).execute(tx.conn())? {
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
        self.db
            .read("find due notifications", move |connection| {
                let ids: Vec<String> = notification::table
                    .filter(notification::status.eq("pending"))
                    .filter(notification::channel.eq(channel.as_str()))
                    .filter(notification::due_at.le(micros(now)))
                    .order((notification::due_at, notification::seq))
                    .limit(limit.into())
                    .select(notification::id)
                    .load(connection)?;
                let read = |id: String| NotificationId::parse(&id);
                ids.into_iter().map(read).collect::<Result<_, _>>().map_err(crate::row::broken)
            })
            .await
    }
}
