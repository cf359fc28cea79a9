//! How the server means to run a query: with its parameters, and without, as it may do for a statement that a connection
//! runs often.

use diesel::{
    QueryResult,
    dsl::sql,
    pg::{Pg, PgQueryBuilder},
    query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId},
    sql_types::Text,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

/// A query that is planned, with its parameters, and not run.
#[derive(Debug, Clone, Copy)]
pub struct Explain<Q>(pub Q);

impl<Q> Explain<Q>
where
    Q: QueryFragment<Pg> + Send,
{
    /// The plans as JSON, for these parameters and for any: what each does is under `Node Type`.
    pub async fn plans(self, connection: &mut AsyncPgConnection) -> QueryResult<[String; 2]> {
        let statement = text(&self.0)?;
        let own = self.get_result(connection).await?;
        Ok([own, generic(&statement, connection).await?])
    }
}

fn text(query: &impl QueryFragment<Pg>) -> QueryResult<String> {
    let mut builder = PgQueryBuilder::default();
    query.to_sql(&mut builder, &Pg)?;
    Ok(builder.finish())
}

async fn generic(statement: &str, connection: &mut AsyncPgConnection) -> QueryResult<String> {
    let count = (1..=u16::MAX).take_while(|number| statement.contains(&format!("${number}"))).count();
    let values = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    let prepare = format!("SET plan_cache_mode = force_generic_plan; PREPARE query AS {statement}");
    connection.batch_execute(&prepare).await?;
    let explain = sql::<Text>(&format!("EXPLAIN (FORMAT JSON) EXECUTE query{values}"));
    let plan = explain.get_result(connection).await?;
    connection.batch_execute("DEALLOCATE query; RESET plan_cache_mode").await?;
    Ok(plan)
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("EXPLAIN (FORMAT JSON) ");
        self.0.walk_ast(out)
    }
}

impl<Q> QueryId for Explain<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Explain<Q> {
    type SqlType = Text;
}
