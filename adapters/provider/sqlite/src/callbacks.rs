//! The callbacks that wait.

use async_trait::async_trait;
use diesel::{SqliteConnection, prelude::*};
use kernel_application::StoreError;
use kernel_domain::Timestamp;
use platform_sqlite::{Database, micros};
use provider_application::{CallbackQueue, QueuedCallback};
use shaku::Component;

use crate::{rows::CallbackRow, schema::callback};

/// Implements the port on the `callback` table.
#[derive(Component)]
#[shaku(interface = CallbackQueue)]
pub struct SqliteCallbackQueue {
    /// The context's file.
    db: Database,
}

impl SqliteCallbackQueue {
    /// A queue on `db`, for use without a module.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl CallbackQueue for SqliteCallbackQueue {
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<QueuedCallback>, StoreError> {
        let read = move |connection: &mut SqliteConnection| {
            callback::table
                .filter(callback::due_at.le(micros(now)))
                .order(callback::id)
                .limit(i64::from(limit))
                .select(CallbackRow::as_select())
                .load(connection)
        };
        self.db.read("read callbacks", read).await?.into_iter().map(QueuedCallback::try_from).collect()
    }

    async fn remove(&self, id: i64) -> Result<(), StoreError> {
        self.db
            .transact("remove callback", move |tx| {
                diesel::delete(callback::table.find(id)).execute(tx.conn())?;
                Ok(())
            })
            .await
    }

    async fn postpone(&self, id: i64, until: Timestamp) -> Result<(), StoreError> {
        self.db
            .transact("postpone callback", move |tx| {
                diesel::update(callback::table.find(id))
                    .set((callback::attempts.eq(callback::attempts + 1), callback::due_at.eq(micros(until))))
                    .execute(tx.conn())?;
                Ok(())
            })
            .await
    }
}
