//! Pages of payments, newest first, however deep.

use diesel::{
    dsl::{AsSelect, SqlTypeOf},
    mysql::Mysql,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Text},
};
use kernel_domain::PaymentId;
use payment_application::PaymentFilter;

use crate::rows::PaymentRow;

/// Payments after a cursor. UUIDv7 sort by time: the newest has the greatest id.
///
/// Each filter has an index in the order of the page, and names it. Left alone, MariaDB weighs "all of this status" and
/// "all before this id" each by itself, takes one of them, and walks from the newest payment to the cursor: a page would
/// cost more the deeper it lies. Diesel has no words for that, so the statement is put together here.
pub(crate) struct List {
    columns: AsSelect<PaymentRow, Mysql>,
    index: &'static str,
    /// `= ?` and `< ?`, each with its value.
    conditions: Vec<(&'static str, String)>,
    limit: i64,
}

impl List {
    pub(crate) fn new(filter: &PaymentFilter, after: Option<PaymentId>, limit: i64) -> Self {
        let user = filter.user_id.as_ref().map(|user| ("user_id = ", user.to_string()));
        let status = filter.status.map(|status| ("status = ", status.as_str().to_owned()));
        let after = after.map(|id| ("id < ", id.to_string()));
        let index = match (&user, &status) {
            (None, None) => "PRIMARY",
            (None, Some(_)) => "payments_status",
            (Some(_), None) => "payments_user",
            (Some(_), Some(_)) => "payments_user_status",
        };
        let conditions = [user, status, after].into_iter().flatten().collect();
        Self { columns: PaymentRow::as_select(), index, conditions, limit }
    }
}

impl Query for List {
    type SqlType = SqlTypeOf<AsSelect<PaymentRow, Mysql>>;
}

/// The text tells one statement from another, as with Diesel's boxed queries.
impl QueryId for List {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Mysql> for List {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM payments FORCE INDEX (");
        out.push_sql(self.index);
        out.push_sql(")");
        for (n, (condition, value)) in self.conditions.iter().enumerate() {
            out.push_sql(if n == 0 { " WHERE " } else { " AND " });
            out.push_sql(condition);
            out.push_bind_param::<Text, _>(value)?;
        }
        out.push_sql(" ORDER BY id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}
