//! Removing old rows, some at a time: a delete of millions would keep every writer waiting.

use std::time::Duration;

use diesel::{SqliteConnection, prelude::*, sql_query, sql_types::BigInt};
use kernel_application::{StoreError, messaging::PURGE_LIMIT};

use crate::time::now_and;

/// Runs `statement`, whose parameters are the instant before which rows are old and how many to remove at most.
pub(crate) fn purge(
    connection: &mut SqliteConnection,
    statement: &str,
    retention: Duration,
) -> QueryResult<u64> {
    let (now, later) = now_and(retention);
    let removed = sql_query(statement)
        .bind::<BigInt, _>(now - (later - now))
        .bind::<BigInt, _>(i64::from(PURGE_LIMIT))
        .execute(connection)?;
    Ok(removed as u64)
}

/// Repeats `some`, which removes some rows, until it finds none, and answers how many it removed.
pub(crate) async fn bit_by_bit<F>(some: impl Fn() -> F) -> Result<u64, StoreError>
where
    F: Future<Output = Result<u64, StoreError>>,
{
    let mut total = 0;
    loop {
        match some().await? {
            0 => return Ok(total),
            removed => total += removed,
        }
    }
}
