//! Removing old rows, some at a time: a delete of millions would hold locks and fill the disk's log for minutes.

use std::time::Duration;

use diesel::{sql_query, sql_types::BigInt};
use kernel_application::{StoreError, messaging::PURGE_LIMIT};

use diesel_async::RunQueryDsl;

use crate::Database;

/// Removes rows of `table` whose `column` is more than `retention` ago, at most [`PURGE_LIMIT`] of them, and answers
/// how many. Both names are ours, never a caller's.
pub(crate) async fn purge(
    db: &Database,
    operation: &'static str,
    (table, column): (&'static str, &'static str),
    retention: Duration,
) -> Result<u64, StoreError> {
    let micros = i64::try_from(retention.as_micros()).unwrap_or(i64::MAX);
    let statement = format!(
        "DELETE FROM {table} WHERE {column} < NOW(6) - INTERVAL ? MICROSECOND ORDER BY {column} LIMIT {PURGE_LIMIT}"
    );
    let delete = async |connection: &mut diesel_async::AsyncMysqlConnection| {
        sql_query(statement.as_str()).bind::<BigInt, _>(micros).execute(connection).await
    };
    Ok(db.autocommit(operation, delete).await? as u64)
}
