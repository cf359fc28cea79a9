//! What the server counts per connection.

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};

use crate::{Database, Prepared};

const COUNT: &str =
    "SELECT VARIABLE_VALUE AS value FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = ?";

#[derive(QueryableByName)]
struct Status {
    #[diesel(sql_type = Text)]
    value: String,
}

/// A counter of the one connection of `db`, such as `Com_stmt_prepare` or `Com_stmt_execute`; this question counts, too.
///
/// # Panics
/// Where the server does not answer, or has no such counter.
#[expect(clippy::expect_used, reason = "a test without its figure has failed")]
pub async fn session_status(db: &Database, counter: &str) -> u64 {
    let count = async |connection: &mut AsyncMysqlConnection| {
        let question = sql_query(COUNT).bind::<Text, _>(counter);
        Prepared(question).get_result::<Status>(connection).await
    };
    let status = db.read("read session status", count).await.expect("a counter");
    status.value.parse().expect("a number")
}
