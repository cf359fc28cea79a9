//! The figures of the catalogue, in one statement and so of one moment.

use diesel::{SqliteConnection, prelude::*, sql_types::BigInt};
use kernel_domain::Currency;
use product_application::views::{StatsView, Total};

use crate::rows::corrupt;

/// Amounts are summed in two halves that fit SQLite's integers: a whole catalogue can be worth more than 2^63 hundredths,
/// and SQLite would go on with a float.
const STATS: &str = "
    SELECT count(*) AS product_count,
           coalesce(sum(stock_quantity), 0) AS stock_quantity,
           coalesce(sum(reserved), 0) AS reserved_quantity,
           coalesce(sum(price_minor / 100000 * stock_quantity), 0) AS value_high,
           coalesce(sum(price_minor % 100000 * stock_quantity), 0) AS value_low,
           coalesce(sum(stock_quantity - reserved BETWEEN 1 AND ?), 0) AS low_stock_count,
           coalesce(sum(stock_quantity = reserved), 0) AS out_of_stock_count,
           (SELECT coalesce(sum(units), 0) FROM product_sales) AS units_sold,
           (SELECT coalesce(sum(revenue_minor / 100000), 0) FROM product_sales) AS revenue_high,
           (SELECT coalesce(sum(revenue_minor % 100000), 0) FROM product_sales) AS revenue_low
    FROM product";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    product_count: i64,
    #[diesel(sql_type = BigInt)]
    stock_quantity: i64,
    #[diesel(sql_type = BigInt)]
    reserved_quantity: i64,
    #[diesel(sql_type = BigInt)]
    value_high: i64,
    #[diesel(sql_type = BigInt)]
    value_low: i64,
    #[diesel(sql_type = BigInt)]
    low_stock_count: i64,
    #[diesel(sql_type = BigInt)]
    out_of_stock_count: i64,
    #[diesel(sql_type = BigInt)]
    units_sold: i64,
    #[diesel(sql_type = BigInt)]
    revenue_high: i64,
    #[diesel(sql_type = BigInt)]
    revenue_low: i64,
}

pub(super) fn load(connection: &mut SqliteConnection, currency: Currency) -> QueryResult<StatsView> {
    let low = StatsView::LOW_STOCK;
    let row: Row = diesel::sql_query(STATS).bind::<BigInt, _>(low).get_result(connection)?;
    Ok(StatsView {
        product_count: row.product_count,
        stock_quantity: row.stock_quantity,
        reserved_quantity: row.reserved_quantity,
        stock_value: total(row.value_high, row.value_low, currency)?,
        low_stock_count: row.low_stock_count,
        out_of_stock_count: row.out_of_stock_count,
        units_sold: row.units_sold,
        revenue: total(row.revenue_high, row.revenue_low, currency)?,
    })
}

fn total(high: i64, low: i64, currency: Currency) -> QueryResult<Total> {
    let (high, low) = (u128::try_from(high).map_err(corrupt)?, u128::try_from(low).map_err(corrupt)?);
    Ok(Total { minor: high * 100_000 + low, currency })
}
