//! Statements that stay prepared.

use diesel::{
    QueryResult,
    mysql::Mysql,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// A statement that its connection prepares once. Diesel does that by itself for queries and for inserts of one row that
/// leaves no column out; it prepares each `UPDATE`, `IN (…)` and insert of several rows anew, because their text may
/// differ from one time to the next. That costs one more way to the server and back, and a packet to forget it again.
///
/// Statements are told apart by their text, so none is ever taken for another. What is wrapped here must only not have
/// more texts than a connection can keep: insert some rows at a time (see [`rows_at_a_time`]), and fill lists of values
/// up (see [`filled_up`]).
#[derive(Clone, Copy, Debug)]
pub struct Prepared<Q>(pub Q);

impl<Q: QueryFragment<Mysql>> QueryFragment<Mysql> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Mysql) -> QueryResult<bool> {
        Ok(true)
    }
}

/// It is known again by its text.
impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

/// The rows of one insert: one statement for as many as most calls have, and no more texts than that.
pub fn rows_at_a_time<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    rows.chunks(16)
}

/// The same values as a list of 1, 2, 4, 8 … of them, the last one repeated: for `IN`, to which that is all the same.
pub fn filled_up<T: Clone>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<_> = values.into_iter().collect();
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_few_lengths() {
        assert_eq!(filled_up([1, 2, 3, 4, 5]), [1, 2, 3, 4, 5, 5, 5, 5]);
        assert_eq!(filled_up([7]), [7]);
        assert!(filled_up::<i64>([]).is_empty());
        let lengths = (1..=500).map(|count| filled_up(0..count).len());
        assert_eq!(lengths.collect::<std::collections::BTreeSet<_>>().len(), 10);
    }
}
