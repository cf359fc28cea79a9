//! The basket ports on `SQLite`. It has no server whose limit could be asked for: these figures stand alone.

use std::{process::ExitCode, sync::Arc};

use basket_application::testing::Load;
use basket_sqlite::{MIGRATIONS, SqliteBasketQueries, SqliteBasketRepository};
use platform_sqlite::Database;
use platform_testkit::bench::{self, Bench, BoxError, Class, Subject};

fn main() -> ExitCode {
    bench::main("sqlite", ports)
}

async fn ports(bench: Bench) -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let db = Database::open(&folder.path().join("basket.db"), "basket store", MIGRATIONS).await?;
    let users = bench.plan().rows / 50;
    let baskets = Arc::new(SqliteBasketRepository::new(db.clone()));
    let queries = Arc::new(SqliteBasketQueries::new(db));
    let load = Arc::new(Load::new(baskets, queries, users));
    bench.prepare(&format!("{users} baskets"), load.fill()).await?;
    let subject = Subject::new(Class::PointRead, "BasketQueries", "basket");
    bench.run(subject, &load, Load::read, None).await?;
    let subject = Subject::new(Class::Command, "BasketRepository", "find + save");
    bench.run(subject, &load, Load::add_item, None).await
}
