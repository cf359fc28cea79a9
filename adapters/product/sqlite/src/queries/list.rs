//! The list of products: filters, and pages that continue at (key, id) of an index.

use diesel::{SqliteConnection, prelude::*, result::Error, sql_types::Text, sqlite::Sqlite};
use product_application::{
    CursorKey, ProductCursor, ProductOrder, SortKey, ports::ProductFilter, views::ProductView,
};

use crate::{
    rows::{ProductRow, corrupt},
    schema::product,
};

diesel::define_sql_function! {
    /// Where `part` first occurs in `whole`, from 1; 0 where it does not.
    fn instr(whole: Text, part: Text) -> Integer;
}

type Select = diesel::dsl::IntoBoxed<
    'static,
    diesel::dsl::Select<product::table, diesel::dsl::AsSelect<ProductRow, Sqlite>>,
    Sqlite,
>;

/// Up to `limit + 1` products after the cursor.
pub(super) fn page(
    connection: &mut SqliteConnection,
    filter: ProductFilter,
    order: ProductOrder,
    after: Option<ProductCursor>,
    limit: u32,
) -> QueryResult<Vec<ProductView>> {
    let rows = ordered(filtered(filter), order, after)?.limit(i64::from(limit) + 1).load(connection)?;
    rows.into_iter().map(ProductView::try_from).collect()
}

fn filtered(filter: ProductFilter) -> Select {
    let mut select = product::table.select(ProductRow::as_select()).into_boxed();
    if let Some(category) = filter.category {
        select = select.filter(product::category.eq(category));
    }
    if let Some(part) = filter.contains {
        let in_name = instr(product::name_key, part.clone()).gt(0);
        select = select.filter(in_name.or(instr(product::description_key, part).gt(0)));
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

/// Orders by a column and the id and starts after the cursor. The first, redundant comparison lets SQLite start in
/// the middle of the index.
macro_rules! keyset {
    ($select:expr, $column:path, $descending:expr, $after:expr) => {
        match ($descending, $after) {
            (false, None) => $select.order(($column.asc(), product::id.asc())),
            (true, None) => $select.order(($column.desc(), product::id.desc())),
            (false, Some((key, id))) => $select
                .filter($column.ge(key.clone()).and($column.gt(key).or(product::id.gt(id))))
                .order(($column.asc(), product::id.asc())),
            (true, Some((key, id))) => $select
                .filter($column.le(key.clone()).and($column.lt(key).or(product::id.lt(id))))
                .order(($column.desc(), product::id.desc())),
        }
    };
}

fn ordered(select: Select, order: ProductOrder, after: Option<ProductCursor>) -> QueryResult<Select> {
    let descending = order.descending;
    Ok(match order.key {
        SortKey::Id => by_id(select, descending, after.map(|cursor| cursor.id)),
        SortKey::Name => keyset!(select, product::name_key, descending, texts(after.as_ref())?),
        SortKey::Price => keyset!(select, product::price_minor, descending, numbers(after.as_ref())?),
        SortKey::CreatedAt => keyset!(select, product::created_at, descending, numbers(after.as_ref())?),
        SortKey::Stock => keyset!(select, product::stock_quantity, descending, numbers(after.as_ref())?),
    })
}

fn by_id(select: Select, descending: bool, after: Option<i64>) -> Select {
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
