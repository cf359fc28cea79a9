//! How the server runs a query.

use diesel::{
    mysql::Mysql,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    sql_types::Text,
};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl, methods::LoadQuery};
use serde_json::Value;

/// How one table of a query is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The table.
    pub table: String,
    /// MariaDB's word: `const`, `ref`, `range`; `ALL` for the whole table, `index` for a whole index.
    pub kind: String,
    /// The index that is used.
    pub key: Option<String>,
    /// How many rows were read, which is not more than a limit asks for where the index has the right order.
    pub read: f64,
}

/// Runs `query`, as code builds it and with its values, and answers what the server did: one [`Access`] per table.
///
/// This is the plan that `EXPLAIN` shows, with the rows that were really read in place of a guess.
///
/// # Panics
/// Where the server has no plan, or its answer is not the JSON it should be.
#[expect(clippy::expect_used, reason = "a plan that cannot be read fails its test")]
pub async fn explain<'q, Q>(connection: &mut AsyncMysqlConnection, query: Q) -> Vec<Access>
where
    Q: Send + 'q,
    Explain<Q>: LoadQuery<'q, AsyncMysqlConnection, String>,
{
    let plan: String = Explain(query).get_result(connection).await.expect("a plan");
    let plan: Value = serde_json::from_str(&plan).expect("ANALYZE FORMAT=JSON gives JSON");
    let mut found = Vec::new();
    collect(&plan, &mut found);
    assert!(!found.is_empty(), "no table in {plan}");
    found
}

/// A query with `ANALYZE` before it.
#[derive(Clone, Copy, Debug)]
pub struct Explain<Q>(Q);

impl<Q> Query for Explain<Q> {
    type SqlType = Text;
}

impl<Q> QueryId for Explain<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Mysql>> QueryFragment<Mysql> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("ANALYZE FORMAT=JSON ");
        self.0.walk_ast(out)
    }
}

fn collect(plan: &Value, found: &mut Vec<Access>) {
    match plan {
        Value::Object(fields) => {
            if let (Some(table), Some(kind)) = (text(plan, "table_name"), text(plan, "access_type")) {
                // Rows per loop; a table that was never reached has neither.
                let number = |field: &str| plan[field].as_f64().unwrap_or_default();
                let read = number("r_rows") * number("r_loops");
                found.push(Access { table, kind, key: text(plan, "key"), read });
            }
            fields.values().for_each(|part| collect(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, found)),
        _ => {}
    }
}

fn text(plan: &Value, field: &str) -> Option<String> {
    plan[field].as_str().map(str::to_owned)
}
