//! The list of products: filters, and pages that continue at (key, id) of an index.

use diesel::{
    dsl::{AsSelect, IntoBoxed, Select},
    pg::Pg,
    prelude::*,
    result::Error,
    sql_types::{BigInt, Record, Text, Timestamptz},
};
use kernel_domain::Timestamp;
use product_application::{CursorKey, ProductCursor, ProductOrder, SortKey, ports::ProductFilter};

use super::row_order::{RowAfter, RowBefore};
use crate::{
    rows::{ProductRow, corrupt},
    schema::product,
};

pub(crate) type List = IntoBoxed<'static, Select<product::table, AsSelect<ProductRow, Pg>>, Pg>;

/// Up to `limit + 1` products after the cursor.
pub(crate) fn page(
    filter: ProductFilter,
    order: ProductOrder,
    after: Option<ProductCursor>,
    limit: u32,
) -> QueryResult<List> {
    Ok(ordered(filtered(filter), order, after)?.limit(i64::from(limit) + 1))
}

fn filtered(filter: ProductFilter) -> List {
    let mut select = product::table.select(ProductRow::as_select()).into_boxed();
    if let Some(category) = filter.category {
        select = select.filter(product::category.eq(category));
    }
    if let Some(part) = filter.contains {
        let pattern = containing(&part);
        let in_name = product::name_key.like(pattern.clone());
        select = select.filter(in_name.or(product::description_key.like(pattern)));
    }
    if let Some(price) = filter.min_price {
        select = select.filter(product::price_minor.ge(price.minor()));
    }
    if let Some(price) = filter.max_price {
        select = select.filter(product::price_minor.le(price.minor()));
    }
    if let Some(units) = filter.max_stock {
        select = select.filter(product::stock_quantity.le(units));
    }
    select
}

/// The pattern of what contains `part`, each of whose characters stands for itself.
fn containing(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for character in part.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// Orders by a column and the id and starts after the cursor.
macro_rules! keyset {
    ($select:expr, $column:path: $type:ty, $descending:expr, $after:expr) => {{
        let row = ($column, product::id).into_sql::<Record<($type, BigInt)>>();
        let after = $after.map(|last| last.into_sql::<Record<($type, BigInt)>>());
        match ($descending, after) {
            (false, None) => $select.order(($column.asc(), product::id.asc())),
            (true, None) => $select.order(($column.desc(), product::id.desc())),
            (false, Some(last)) => {
                $select.filter(RowAfter::new(row, last)).order(($column.asc(), product::id.asc()))
            }
            (true, Some(last)) => {
                $select.filter(RowBefore::new(row, last)).order(($column.desc(), product::id.desc()))
            }
        }
    }};
}

fn ordered(select: List, order: ProductOrder, after: Option<ProductCursor>) -> QueryResult<List> {
    let descending = order.descending;
    Ok(match order.key {
        SortKey::Id => by_id(select, descending, after.map(|cursor| cursor.id)),
        SortKey::Name => keyset!(select, product::name_key: Text, descending, texts(after.as_ref())?),
        SortKey::Price => keyset!(select, product::price_minor: BigInt, descending, numbers(after.as_ref())?),
        SortKey::CreatedAt => {
            keyset!(select, product::created_at: Timestamptz, descending, instants(after.as_ref())?)
        }
        SortKey::Stock => {
            keyset!(select, product::stock_quantity: BigInt, descending, numbers(after.as_ref())?)
        }
    })
}

fn by_id(select: List, descending: bool, after: Option<i64>) -> List {
    match (descending, after) {
        (false, None) => select.order(product::id.asc()),
        (true, None) => select.order(product::id.desc()),
        (false, Some(id)) => select.filter(product::id.gt(id)).order(product::id.asc()),
        (true, Some(id)) => select.filter(product::id.lt(id)).order(product::id.desc()),
    }
}

fn numbers(after: Option<&ProductCursor>) -> QueryResult<Option<(i64, i64)>> {
    match after {
        None => Ok(None),
        Some(ProductCursor { key: Some(CursorKey::Number(key)), id }) => Ok(Some((*key, *id))),
        Some(_) => Err(mismatch()),
    }
}

fn instants(after: Option<&ProductCursor>) -> QueryResult<Option<(Timestamp, i64)>> {
    let Some((micros, id)) = numbers(after)? else { return Ok(None) };
    Timestamp::from_timestamp_micros(micros).map(|at| Some((at, id))).ok_or_else(mismatch)
}

fn texts(after: Option<&ProductCursor>) -> QueryResult<Option<(String, i64)>> {
    match after {
        None => Ok(None),
        Some(ProductCursor { key: Some(CursorKey::Text(key)), id }) => Ok(Some((key.clone(), *id))),
        Some(_) => Err(mismatch()),
    }
}

/// `ProductCursor::decode` binds a cursor's key to its order.
fn mismatch() -> Error {
    corrupt("cursor does not fit the order it was decoded for")
}

#[cfg(test)]
mod tests {
    use super::containing;

    #[test]
    fn every_character_stands_for_itself() {
        assert_eq!(containing(r"10% of_a\b"), r"%10\% of\_a\\b%");
    }
}
