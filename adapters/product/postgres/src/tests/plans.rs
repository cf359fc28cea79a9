//! Over 100,000 products no query reads a whole table, the one documented in `queries/stats.rs` excepted; and what runs
//! often stays prepared.
//!
//! A query is planned twice: with its parameters, and without, as the server may do for a statement that a connection
//! runs often.

use diesel::{dsl::sql, pg::Pg, prelude::*, query_builder::QueryFragment, sql_types::Text};
use diesel_async::RunQueryDsl;
use kernel_application::testing::context;
use kernel_domain::{Currency, Money, Timestamp};
use platform_postgres::{
    Database, PgConfig, PgUuid,
    testing::{Explain, TestDatabase},
};
use platform_testkit::servers;
use product_application::{
    CursorKey, ProductCursor, ProductOrder, SortKey, ports::ProductFilter, testing::StoreUnderTest,
};

use super::support::{Postgres, fresh, lamp, one_each, open, payment};
use crate::{
    queries::{categories, list},
    reservation_rows, rows, sales_ledger,
};

const MANY: u32 = 100_000;

/// Prices, stock and categories repeat, as they do in a shop; words do not.
const CATALOGUE: &str = "
    INSERT INTO product (name, name_key, description, description_key, price_minor, currency, stock_quantity,
                         reserved, category, created_at, updated_at, version)
    SELECT 'Lamp ' || n, 'lamp ' || n, md5(n::text), md5(n::text), 1 + n * 7919 % 10000, 'USD', n * 104729 % 1000,
           0, 'category ' || n % 50, timestamptz '2026-01-01' + n * interval '1 second', now(), 1
    FROM generate_series(1, $products::bigint) AS n;
    INSERT INTO stock_reservation
    SELECT lpad(n::text, 32, '0')::uuid, 'reserved', now() FROM generate_series(1, $products) AS n;
    INSERT INTO stock_reservation_line
    SELECT payment_id, 1, 1, true, NULL, false FROM stock_reservation;
    INSERT INTO product_sales SELECT id, 1, price_minor, currency FROM product;
    ANALYZE";

async fn catalogue(products: u32) -> Postgres {
    let store = fresh().await;
    store.own.prepare(&CATALOGUE.replace("$products", &products.to_string())).await.unwrap();
    store
}

async fn plans(db: &Database, query: impl QueryFragment<Pg> + Send) -> [String; 2] {
    db.read("explain", async |connection| Explain(query).plans(connection).await).await.unwrap()
}

fn is_indexed(plan: &str) -> bool {
    plan.contains("Index") && !plan.contains("Seq Scan")
}

async fn assert_indexed(db: &Database, of: &str, query: impl QueryFragment<Pg> + Send) {
    for plan in plans(db, query).await {
        assert!(is_indexed(&plan), "{of}: {plan}");
    }
}

fn orders() -> Vec<ProductOrder> {
    let names = ["id", "name", "price", "created_at", "stock"];
    names.iter().flat_map(|name| [name.parse().unwrap(), format!("-{name}").parse().unwrap()]).collect()
}

fn filters() -> Vec<ProductFilter> {
    let usd = |minor| Some(Money::from_minor(minor, Currency::USD));
    let category = Some("category 7".to_owned());
    let all = ProductFilter::default;
    vec![
        all(),
        ProductFilter { category: category.clone(), ..all() },
        ProductFilter { min_price: usd(5_000), max_price: usd(5_010), ..all() },
        ProductFilter { min_price: usd(100), ..all() },
        ProductFilter { max_price: usd(9_000), ..all() },
        ProductFilter { max_stock: Some(0), ..all() },
        ProductFilter { max_stock: Some(900), ..all() },
        ProductFilter { contains: Some("lamp 4711".to_owned()), ..all() },
        ProductFilter { contains: Some("lamp".to_owned()), ..all() },
        ProductFilter { category: category.clone(), min_price: usd(5_000), max_stock: Some(10), ..all() },
        ProductFilter { category, contains: Some("no such word".to_owned()), ..all() },
    ]
}

/// The cursor of a product in the middle of the order.
fn middle(order: ProductOrder) -> ProductCursor {
    let key = match order.key {
        SortKey::Id => None,
        SortKey::Name => Some(CursorKey::Text("lamp 50000".to_owned())),
        SortKey::Price => Some(CursorKey::Number(5_000)),
        SortKey::CreatedAt => Some(CursorKey::Number(1_767_275_600_000_000)),
        SortKey::Stock => Some(CursorKey::Number(500)),
    };
    ProductCursor { key, id: 50_000 }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_reads_a_whole_table() {
    let Postgres { db, own: _own } = catalogue(MANY).await;
    for order in orders() {
        for filter in filters() {
            for after in [None, Some(middle(order))] {
                let of = format!("{order:?} {filter:?} {after:?}");
                let query = list::page(filter.clone(), order, after, 20).unwrap();
                assert_indexed(&db, &of, query).await;
            }
        }
    }
    let by = PgUuid(*payment(4711).as_uuid());
    for counted in plans(&db, categories()).await {
        assert!(
            !counted.contains(r#""Relation Name": "product""#),
            "all of a short table, nothing of a long one: {counted}"
        );
    }
    assert_indexed(&db, "one product", rows::find(4711)).await;
    assert_indexed(&db, "products of a basket", rows::of_numbers(vec![1, 4711]).for_update()).await;
    assert_indexed(&db, "a reservation", reservation_rows::state(by).for_update()).await;
    assert_indexed(&db, "its lines", reservation_rows::lines(by)).await;
    assert_indexed(&db, "a product's sales", sales_ledger::total(4711).for_update()).await;
}

/// The test above can fail: without its index, a query reads everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_index_is_noticed() {
    let Postgres { db, own } = catalogue(2_000).await;
    let by_stock = || list::page(ProductFilter::default(), "stock".parse().unwrap(), None, 20).unwrap();
    assert!(plans(&db, by_stock()).await.iter().all(|plan| is_indexed(plan)));
    own.prepare("DROP INDEX product_stock").await.unwrap();
    let plans = plans(&db, by_stock()).await;
    assert!(plans.iter().all(|plan| !is_indexed(plan) && plan.contains("Seq Scan")), "{plans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_starts_at_its_cursor_however_deep_it_is() {
    let Postgres { db, own: _own } = catalogue(MANY).await;
    let category = ProductFilter { category: Some("category 7".to_owned()), ..ProductFilter::default() };
    for order in orders().into_iter().filter(|order| order.key != SortKey::Id) {
        for filter in [ProductFilter::default(), category.clone()] {
            let query = list::page(filter.clone(), order, Some(middle(order)), 20).unwrap();
            for plan in plans(&db, query).await {
                let start = plan.lines().find(|line| line.contains("Index Cond")).unwrap_or_default();
                let in_category = filter.category.is_none() || start.contains("category = ");
                assert!(start.contains("ROW(") && in_category, "{order:?}: {plan}");
                assert!(!plan.contains("Sort"), "{order:?}: {plan}");
            }
        }
    }
}

/// Whatever is not kept is prepared anew each time: one more way to the server and back.
#[tokio::test]
async fn what_a_reservation_needs_stays_prepared() {
    let own = TestDatabase::create(&servers::postgres().unwrap()).await.unwrap();
    let db = open(&PgConfig { pool_size: 1, ..own.config().clone() }).await;
    let store = Postgres { db, own };
    let product = store.products().add(&context(), lamp("home", 5)).await.unwrap().id();
    store.stock().reserve(&context(), payment(1), one_each([product]), Timestamp::UNIX_EPOCH).await.unwrap();
    store.stock().release(&context(), payment(1), Timestamp::UNIX_EPOCH).await.unwrap();
    let kept = sql::<Text>("SELECT string_agg(statement, ';') FROM pg_prepared_statements");
    let kept = store.db.read("look", async |connection| kept.get_result::<String>(connection).await);
    let kept = kept.await.unwrap();
    for statement in [
        r#"INSERT INTO "product""#,
        r#"INSERT INTO "stock_movement""#,
        r#"INSERT INTO "stock_reservation""#,
        r#"INSERT INTO "stock_reservation_line""#,
        r#"UPDATE "product""#,
        r#"UPDATE "stock_reservation_line""#,
    ] {
        assert!(kept.contains(statement), "{statement}: {kept}");
    }
    assert!(kept.matches("FOR UPDATE").count() >= 2, "{kept}");
}
