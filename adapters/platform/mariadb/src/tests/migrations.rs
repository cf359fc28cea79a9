//! The schema is made once, whoever tries and however often.

use diesel_async::{
    AsyncMysqlConnection, SimpleAsyncConnection, async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::MigrationHarness;
use kernel_application::{StoreError, messaging::Outbox};
use tokio::task::{JoinSet, spawn_blocking};

use super::{ask, database};
use crate::{
    Database, MariaDbOutbox,
    migrate::MESSAGING,
    testing::{TestDatabase, silent},
};

const TABLES: &str = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()";

fn replica(home: &TestDatabase) -> Database {
    Database::messaging(home.config(), "test store", silent()).unwrap()
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let home = database().await;
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        let db = replica(&home);
        starting.spawn(async move { db.migrate().await.map(|()| db) });
    }
    let replicas = starting.join_all().await;
    for db in replicas.into_iter().map(Result::unwrap) {
        db.migrate().await.unwrap();
        assert_eq!(ask(&db, "SELECT COUNT(*) FROM __diesel_schema_migrations").await, "1");
        assert_eq!(ask(&db, TABLES).await, "7");
    }
}

#[tokio::test]
async fn nothing_is_done_before_the_schema_is_there() {
    let home = database().await;
    let db = replica(&home);
    let result = MariaDbOutbox::new(db.clone()).stats().await;
    assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
    db.migrate().await.unwrap();
    assert_eq!(MariaDbOutbox::new(db).stats().await.unwrap().backlog, 0);
}

#[tokio::test]
async fn migrations_go_down_and_up_again() {
    let home = database().await;
    let db = replica(&home);
    db.migrate().await.unwrap();
    let mut connection = AsyncConnectionWrapper::<AsyncMysqlConnection>::from(home.connection().await);
    spawn_blocking(move || connection.revert_all_migrations(MESSAGING).map(drop).unwrap()).await.unwrap();
    assert_eq!(ask(&db, TABLES).await, "1", "the library's own table");
    db.migrate().await.unwrap();
    assert_eq!(ask(&db, TABLES).await, "7");
}

#[tokio::test]
async fn a_migration_that_was_cut_off_is_finished() {
    let home = database().await;
    let up = include_str!("../../../../../db/platform/mariadb/2026-01-01-000000_messaging/up.sql");
    let (half, _) = up.split_once("CREATE TABLE IF NOT EXISTS inbox").unwrap();
    home.connection().await.batch_execute(half).await.unwrap();
    let db = replica(&home);
    db.migrate().await.unwrap();
    assert_eq!(ask(&db, TABLES).await, "7");
}
