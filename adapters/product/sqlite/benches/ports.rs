//! The product ports on `SQLite`. It has no server whose limit could be asked for: these figures stand alone.

use std::{process::ExitCode, sync::Arc};

use diesel::{connection::SimpleConnection, result::Error};
use kernel_domain::Currency;
use platform_sqlite::Database;
use platform_testkit::bench::{self, Bench, BoxError, Class, Subject};
use product_application::{ProductOrder, ShopSettings, testing::Load};
use product_sqlite::{SqliteProductQueries, SqliteProductRepository, SqliteStockRepository, open};

/// Names, prices, instants and stocks that are neither all different nor all the same, in an order that is not that of the
/// ids.
const CATALOGUE: &str = "
    INSERT INTO product (name, name_key, description, description_key, price_minor, currency, stock_quantity, reserved,
        category, image_url, created_at, updated_at, version)
    WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < {rows}),
        made AS (SELECT n, n * 7919 % {rows} AS mixed, 1767225600000000 + n * 1000000 AS at,
            'What everybody needs who has no product of number ' || n || ' yet' AS text FROM seq)
    SELECT 'Product ' || mixed, 'product ' || mixed, text, lower(text), 1 + mixed % 100000, 'USD', 1000000 + mixed % 1000,
        0, 'category ' || mixed % 50, NULL, at, at, 1
    FROM made;
    ANALYZE";

fn main() -> ExitCode {
    bench::main("sqlite", ports)
}

async fn ports(bench: Bench) -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let db = open(folder.path()).await?;
    let rows = bench.plan().rows;
    bench.prepare(&format!("{rows} products"), fill(&db, rows)).await?;
    let load = Arc::new(Load::new(
        Arc::new(SqliteProductRepository::new(db.clone())),
        Arc::new(SqliteStockRepository::new(db.clone())),
        Arc::new(SqliteProductQueries::new(db, Arc::new(ShopSettings::new(Currency::USD)))),
        rows,
    ));
    let subject = Subject::new(Class::PointRead, "ProductQueries", "find");
    bench.run(subject, &load, Load::find, None).await?;
    let subject = Subject::new(Class::Command, "ProductRepository", "find + save");
    bench.run(subject, &load, Load::update_price, None).await?;
    let subject = Subject::new(Class::Process, "StockRepository", "reserve + release");
    bench.run(subject, &load, Load::reserve_and_release, None).await?;
    for sort in ["id", "name", "price", "-created_at", "stock"] {
        pages(&bench, &load, sort).await?;
    }
    Ok(())
}

async fn fill(db: &Database, rows: u32) -> Result<(), BoxError> {
    let statements = CATALOGUE.replace("{rows}", &rows.to_string());
    let run = move |connection: &mut diesel::SqliteConnection| {
        connection.batch_execute(&statements)?;
        Ok::<_, Error>(())
    };
    Ok(db.read("fill", run).await?)
}

/// One list, at its beginning and in its middle.
async fn pages(bench: &Bench, load: &Arc<Load>, sort: &str) -> Result<(), BoxError> {
    let order: ProductOrder = sort.parse()?;
    let name = format!("list by {sort}");
    let middle = bench.prepare(&format!("half of the {name}"), load.middle(order)).await?;
    let first = move |load: Arc<Load>, _| load.list(order, None);
    let deep = move |load: Arc<Load>, _| load.list(order, middle.clone());
    let first = (Subject::new(Class::FirstPage, "ProductQueries", &name), first);
    let deep = (Subject::new(Class::DeepPage, "ProductQueries", &name), deep);
    bench.by_turns(load, first, deep, None).await
}
