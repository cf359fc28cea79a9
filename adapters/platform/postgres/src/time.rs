//! Instants by the server's clock: leases of all replicas are compared by it, whatever their own clocks say.

use std::time::Duration;

use diesel::{
    IntoSql,
    dsl::AsExprOf,
    pg::{Pg, data_types::PgInterval},
    sql_types::{Interval, Timestamptz},
};

diesel::define_sql_function! {
    /// When the transaction began. It is one value for the whole statement, so that an index can be searched for it.
    #[sql_name = "now"]
    fn server_now() -> Timestamptz;
}

diesel::infix_operator!(Plus, " + ", Timestamptz, backend: Pg);

type Span = AsExprOf<PgInterval, Interval>;

/// So much later than now.
pub(crate) fn after(span: Duration) -> Plus<server_now, Span> {
    Plus::new(server_now(), interval(span).into_sql::<Interval>())
}

/// A time span as PostgreSQL has it.
pub(crate) fn interval(span: Duration) -> PgInterval {
    PgInterval::from_microseconds(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}
