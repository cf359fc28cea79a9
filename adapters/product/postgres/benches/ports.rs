//! The product ports on `PostgreSQL`, beside what `pgbench` gets out of the same tables by the same statements.

use std::{process::ExitCode, sync::Arc};

use kernel_domain::Currency;
use platform_postgres::{Database, PgConfig, testing::TestDatabase};
use platform_testkit::{
    bench::{self, Bench, BoxError, Class, PgBench, Raw, Subject},
    servers,
};
use product_application::{ProductOrder, ShopSettings, testing::Load};
use product_postgres::{PgProductQueries, PgProductRepository, PgStockRepository, database};
use slog::{Discard, Logger, o};

/// Names, prices, instants and stocks that are neither all different nor all the same, in an order that is not that of the
/// ids.
const CATALOGUE: &str = "
    INSERT INTO product (name, name_key, description, description_key, price_minor, currency, stock_quantity, reserved,
        category, image_url, created_at, updated_at, version)
    SELECT 'Product ' || mixed, 'product ' || mixed, text, lower(text), 1 + mixed % 100000, 'USD', 1000000 + mixed % 1000,
        0, 'category ' || mixed % 50, NULL, at, at, 1
    FROM generate_series(1::bigint, {rows}) AS n,
        LATERAL (SELECT n * 7919 % {rows} AS mixed, timestamptz '2026-01-01' + n * interval '1 s' AS at,
            'What everybody needs who has no product of number ' || n || ' yet' AS text) AS made
    ORDER BY n";

const FIND: &str = r"
\set id random(1, :rows)
SELECT id, name, description, price_minor, currency, stock_quantity, reserved, category, image_url, created_at,
    updated_at, version FROM product WHERE id = :id;
";

const UPDATE: &str = r"
\set id random(1, :rows)
\set price random(1, 100000)
SELECT name, description, currency, stock_quantity, reserved, category, created_at, updated_at, version, name_key,
    description_key FROM product WHERE id = :id \gset
BEGIN;
UPDATE product SET name = :name, description = :description, price_minor = :price, currency = :currency,
    stock_quantity = :stock_quantity, reserved = :reserved, category = :category, image_url = NULL,
    created_at = :created_at, updated_at = :updated_at, version = :version + 1, name_key = :name_key,
    description_key = :description_key WHERE id = :id AND version = :version;
COMMIT;
";

const PAGE: &str = "
SELECT id, name, description, price_minor, currency, stock_quantity, reserved, category, image_url, created_at,
    updated_at, version FROM product ORDER BY {order} LIMIT 21;
";

/// The orders of the list, and what they are to the server.
const ORDERS: [(&str, &str); 5] = [
    ("id", "id"),
    ("name", "name_key, id"),
    ("price", "price_minor, id"),
    ("-created_at", "created_at DESC, id DESC"),
    ("stock", "stock_quantity, id"),
];

fn main() -> ExitCode {
    bench::main("postgres", ports)
}

async fn ports(bench: Bench) -> Result<(), BoxError> {
    let (own, db) = open(&bench).await?;
    let rows = bench.plan().rows;
    bench.prepare(&format!("{rows} products"), fill(&own, rows)).await?;
    let load = Arc::new(Load::new(
        Arc::new(PgProductRepository::new(db.clone())),
        Arc::new(PgStockRepository::new(db.clone())),
        Arc::new(PgProductQueries::new(db.clone(), Arc::new(ShopSettings::new(Currency::USD)))),
        rows,
    ));
    let find = pgbench(own.config(), rows);
    let subject = Subject::new(Class::PointRead, "ProductQueries", "find");
    bench.run(subject, &load, Load::find, Some(&find)).await?;
    let subject = Subject::new(Class::Command, "ProductRepository", "find + save");
    bench.run(subject, &load, Load::update_price, Some(&find.script(UPDATE))).await?;
    let subject = Subject::new(Class::Process, "StockRepository", "reserve + release");
    bench.run(subject, &load, Load::reserve_and_release, None).await?;
    for (sort, order) in ORDERS {
        pages(&bench, &load, sort, &find.script(PAGE.replace("{order}", order))).await?;
    }
    Ok(())
}

async fn open(bench: &Bench) -> Result<(TestDatabase, Database), BoxError> {
    let own = TestDatabase::create(&servers::postgres()?).await?;
    let config = PgConfig { pool_size: bench.plan().clients, ..own.config().clone() };
    let db = database(&config, Logger::root(Discard, o!()))?;
    db.migrate().await?;
    Ok((own, db))
}

async fn fill(own: &TestDatabase, rows: u32) -> Result<(), BoxError> {
    own.prepare(&CATALOGUE.replace("{rows}", &rows.to_string())).await?;
    own.prepare("VACUUM ANALYZE product").await
}

/// One list, at its beginning and in its middle.
async fn pages(bench: &Bench, load: &Arc<Load>, sort: &str, raw: &dyn Raw) -> Result<(), BoxError> {
    let order: ProductOrder = sort.parse()?;
    let name = format!("list by {sort}");
    let middle = bench.prepare(&format!("half of the {name}"), load.middle(order)).await?;
    let first = move |load: Arc<Load>, _| load.list(order, None);
    let deep = move |load: Arc<Load>, _| load.list(order, middle.clone());
    let first = (Subject::new(Class::FirstPage, "ProductQueries", &name), first);
    let deep = (Subject::new(Class::DeepPage, "ProductQueries", &name), deep);
    bench.by_turns(load, first, deep, Some(raw)).await
}

fn pgbench(config: &PgConfig, rows: u32) -> PgBench {
    let PgConfig { host, port, user, password, name, .. } = config.clone();
    let database = [host, port.to_string(), user, password.expose().to_owned(), name];
    PgBench { database, script: FIND.to_owned(), rows: rows.into() }
}
