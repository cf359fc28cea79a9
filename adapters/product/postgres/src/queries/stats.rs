//! The figures of the catalogue, in one statement and so of one moment.
//!
//! This is the one query that reads the whole table. Nothing but a count kept beside each product would spare that, and
//! since these figures change with every reservation, all reservations of the shop would then wait for each other at a
//! few rows. Operators ask for them now and then; buyers reserve all day.

use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel_domain::Currency;
use product_application::views::{StatsView, Total};

use crate::rows::corrupt;

/// Sums of `bigint` are `numeric` and never overflow; as text they come over whole.
const STATS: &str = "
    SELECT count(*) AS product_count,
           coalesce(sum(stock_quantity), 0)::bigint AS stock_quantity,
           coalesce(sum(reserved), 0)::bigint AS reserved_quantity,
           coalesce(sum(price_minor::numeric * stock_quantity), 0)::text AS stock_value,
           count(*) FILTER (WHERE stock_quantity - reserved BETWEEN 1 AND $1) AS low_stock_count,
           count(*) FILTER (WHERE stock_quantity = reserved) AS out_of_stock_count,
           (SELECT coalesce(sum(units), 0)::bigint FROM product_sales) AS units_sold,
           (SELECT coalesce(sum(revenue_minor), 0)::text FROM product_sales) AS revenue
    FROM product";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    product_count: i64,
    #[diesel(sql_type = BigInt)]
    stock_quantity: i64,
    #[diesel(sql_type = BigInt)]
    reserved_quantity: i64,
    #[diesel(sql_type = Text)]
    stock_value: String,
    #[diesel(sql_type = BigInt)]
    low_stock_count: i64,
    #[diesel(sql_type = BigInt)]
    out_of_stock_count: i64,
    #[diesel(sql_type = BigInt)]
    units_sold: i64,
    #[diesel(sql_type = Text)]
    revenue: String,
}

pub(super) async fn load(connection: &mut AsyncPgConnection, currency: Currency) -> QueryResult<StatsView> {
    let row: Row =
        diesel::sql_query(STATS).bind::<BigInt, _>(StatsView::LOW_STOCK).get_result(connection).await?;
    Ok(StatsView {
        product_count: row.product_count,
        stock_quantity: row.stock_quantity,
        reserved_quantity: row.reserved_quantity,
        stock_value: total(&row.stock_value, currency)?,
        low_stock_count: row.low_stock_count,
        out_of_stock_count: row.out_of_stock_count,
        units_sold: row.units_sold,
        revenue: total(&row.revenue, currency)?,
    })
}

fn total(minor: &str, currency: Currency) -> QueryResult<Total> {
    Ok(Total { minor: minor.parse().map_err(corrupt)?, currency })
}
