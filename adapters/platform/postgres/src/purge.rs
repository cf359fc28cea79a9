//! Removing old rows, some at a time: a delete of millions would hold locks and fill the write-ahead log for minutes.

use std::time::Duration;

use diesel::{
    pg::Pg,
    query_builder::{QueryFragment, QueryId},
    sql_query,
    sql_types::{BigInt, Interval},
};
use kernel_application::messaging::PURGE_LIMIT;

use crate::time::interval;

/// A `statement` whose parameters are the age from which rows are old and how many to remove at most.
pub(crate) fn purge(
    statement: &'static str,
    retention: Duration,
) -> impl QueryFragment<Pg> + QueryId + Send + 'static {
    sql_query(statement).bind::<Interval, _>(interval(retention)).bind::<BigInt, _>(i64::from(PURGE_LIMIT))
}
