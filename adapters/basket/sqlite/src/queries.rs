//! The reading side.

use async_trait::async_trait;
use basket_application::{ports::BasketQueries, views::BasketView};
use kernel_application::StoreError;
use kernel_domain::{Timestamp, UserId};
use platform_sqlite::Database;
use shaku::Component;

use crate::rows::BasketRows;

/// Reads views straight from the rows.
#[derive(Component)]
#[shaku(interface = BasketQueries)]
pub struct SqliteBasketQueries {
    /// The context's file.
    db: Database,
}

impl SqliteBasketQueries {
    /// Reads from `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl BasketQueries for SqliteBasketQueries {
    async fn basket(&self, user: &UserId, now: Timestamp) -> Result<Option<BasketView>, StoreError> {
        let user = user.clone();
        self.db
            .read("read basket", move |connection| {
                BasketRows::load(connection, &user, now)?.map(BasketRows::into_view).transpose()
            })
            .await
    }
}
