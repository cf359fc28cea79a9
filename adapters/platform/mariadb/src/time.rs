//! Instants: `DATETIME(6)` columns hold them in UTC, and leases run by the server's clock.

use std::time::Duration;

use chrono::NaiveDateTime;
use diesel::{
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    mysql::Mysql,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{BigInt, Datetime},
};
use kernel_domain::Timestamp;

/// An instant as a `DATETIME(6)` column takes it. Columns keep microseconds, as the `Clock` port does.
pub const fn datetime(at: Timestamp) -> NaiveDateTime {
    at.naive_utc()
}

/// The instant of a `DATETIME(6)` column.
pub const fn timestamp(at: NaiveDateTime) -> Timestamp {
    at.and_utc()
}

/// An instant by the server's clock, so that all replicas agree on it whatever their own clocks say.
///
/// Diesel's `now` has whole seconds only.
#[derive(Clone, Copy, Debug)]
pub struct FromNow {
    micros: i64,
}

impl FromNow {
    /// Longer than any lease or retention, and still within what a column can hold.
    const FAR: i64 = 100 * 365 * 24 * 60 * 60 * 1_000_000;

    /// Now.
    pub const fn now() -> Self {
        Self { micros: 0 }
    }

    /// `time` from now.
    pub fn after(time: Duration) -> Self {
        Self { micros: i64::try_from(time.as_micros()).unwrap_or(i64::MAX).min(Self::FAR) }
    }

    /// `time` ago.
    pub fn before(time: Duration) -> Self {
        Self { micros: -Self::after(time).micros }
    }
}

impl Expression for FromNow {
    type SqlType = Datetime;
}

impl<Source> AppearsOnTable<Source> for FromNow {}
impl<Source> SelectableExpression<Source> for FromNow {}

impl<GroupBy> ValidGrouping<GroupBy> for FromNow {
    type IsAggregate = is_aggregate::Never;
}

impl QueryId for FromNow {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Mysql> for FromNow {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> diesel::QueryResult<()> {
        out.push_sql("(NOW(6) + INTERVAL ");
        out.push_bind_param::<BigInt, _>(&self.micros)?;
        out.push_sql(" MICROSECOND)");
        Ok(())
    }
}
