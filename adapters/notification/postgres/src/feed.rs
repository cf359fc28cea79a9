//! A user's notifications in the app, in commit order.
//!
//! A follower goes on from the last number it was given. PostgreSQL gives numbers before it commits and commits in any
//! order, so a follower could be given 8 while 7 is not visible yet, and never see 7. Therefore every insert first takes
//! an advisory lock for the row's user, which its transaction keeps until its commit is visible, and draws the row's
//! number under it: a trigger of the schema sees to that, for every writer there will ever be. The numbers of one user
//! then become visible in order, and the greatest visible one is a cursor that nothing of that user can slip in before.
//! Between users there is no order: a follower needs none, and on the list of all users what was committed a moment
//! later may stand a few places lower.
//!
//! The price is that inserts for one user commit one after another, over all replicas: an insert holds up the user's
//! next one for its own statement and its commit, which is why it is the last thing its transaction does. Reads, saves
//! and the inserts for other users do not wait. Twelve clients of pgbench with two rows a transaction made some 4,500
//! transactions a second, against 5,000 without any order and 675 with one turn for all users. A transaction for many
//! users keeps as many locks, and takes them in the order of the users, so that no two wait for each other.
//!
//! Whoever dies in between loses its connection and with it the locks; one that hangs is cut off by the server after
//! `DB_STATEMENT_TIMEOUT`, while the others fail after `DB_LOCK_TIMEOUT` and are delivered their events again. A crash
//! of the server leaves gaps and gives no visible number twice. A fail-over to a standby that lagged loses
//! acknowledged commits, and their numbers may be given again, so the standby has to be a synchronous one.
//!
//! The other way is to let numbers commit in any order and to show only what is older than every open transaction
//! (`pg_snapshot_xmin`). It needs no lock, but one open transaction of any database on that server stops the feeds of
//! all users for as long as it lasts, what was just committed is not there yet, and since transactions are numbered by
//! the server, a dump that is restored on another one brings rows from its future.

use async_trait::async_trait;
use diesel::{
    dsl::{AsSelect, auto_type},
    pg::Pg,
    prelude::*,
};
use diesel_async::RunQueryDsl;
use kernel_application::StoreError;
use kernel_domain::UserId;
use notification_application::{Channel, FeedItem, NotificationFeed, PageError};
use platform_postgres::Database;
use shaku::Component;

use crate::{cursor, row::Row, schema::notification};

/// The feed of one database.
#[derive(Component)]
#[shaku(interface = NotificationFeed)]
pub struct PgNotificationFeed {
    /// The database.
    db: Database,
}

impl PgNotificationFeed {
    /// The feed of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl NotificationFeed for PgNotificationFeed {
    async fn end(&self, user: &UserId) -> Result<String, StoreError> {
        let last: Option<i64> = self
            .db
            .read("find end of feed", async |connection| {
                last(user.as_str()).first(connection).await.optional()
            })
            .await?;
        Ok(cursor::cursor(last.unwrap_or_default()))
    }

    async fn after(&self, user: &UserId, cursor: &str, limit: u32) -> Result<Vec<FeedItem>, PageError> {
        let start = cursor::seq(cursor)?;
        let items = self
            .db
            .read("read feed", async |connection| {
                let rows: Vec<(i64, Row)> =
                    after(user.as_str(), start, limit.into()).load(connection).await?;
                rows.into_iter().map(item).collect::<QueryResult<Vec<_>>>()
            })
            .await?;
        Ok(items)
    }
}

/// The greatest number of a user's notifications, on whatever channel.
#[auto_type(no_type_alias)]
pub(crate) fn last<'a>(user: &'a str) -> _ {
    notification::table
        .filter(notification::user_id.eq(user))
        .select(notification::seq)
        .order(notification::seq.desc())
        .limit(1_i64)
}

/// What a user was told in the app after number `start`.
#[auto_type(no_type_alias)]
pub(crate) fn after<'a>(user: &'a str, start: i64, limit: i64) -> _ {
    let (channel, row): (&'static str, AsSelect<Row, Pg>) = (Channel::InApp.as_str(), Row::as_select());
    notification::table
        .filter(notification::user_id.eq(user))
        .filter(notification::channel.eq(channel))
        .filter(notification::seq.gt(start))
        .order(notification::seq)
        .limit(limit)
        .select((notification::seq, row))
}

fn item((seq, row): (i64, Row)) -> QueryResult<FeedItem> {
    Ok(FeedItem { cursor: cursor::cursor(seq), notification: row.view()? })
}
