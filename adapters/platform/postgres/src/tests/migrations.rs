//! Who migrates, when, and what happens until then.

use std::time::Duration;

use diesel::{dsl::sql, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use kernel_application::{HealthCheck, StoreError, messaging::FIRST, messaging::Outbox};
use platform_testkit::{PATIENCE, eventually};
use tokio::{sync::watch, task::JoinSet};

use super::{context, empty, fresh, message, one, open};
use crate::{
    PgConfig, PgHealth, PgOutbox,
    connect::Connector,
    migrate::{LOCK, MigrateError},
    testing::{TestDatabase, left_behind, revert_all},
};

#[tokio::test]
async fn nothing_works_before_the_schema_is_there() {
    let own = empty().await;
    let db = open(own.config());
    let early = db.read("read", one).await;
    assert!(matches!(early, Err(StoreError::Unavailable { .. })), "{early:?}");
    let health = PgHealth::new("store", db.clone()).check().await.unwrap_err();
    assert_eq!(health, "test store: its schema is not migrated yet: the migrations have not run");
    db.migrate().await.unwrap();
    assert_eq!(db.read("read", one).await.unwrap(), 1);
    assert_eq!(PgHealth::new("store", db).check().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_replicas_one_migrates() {
    let own = empty().await;
    let mut replicas = JoinSet::new();
    for _ in 0..8 {
        let db = open(own.config());
        replicas.spawn(async move { db.migrate().await.map(|()| db) });
    }
    for db in replicas.join_all().await {
        let db = db.unwrap();
        db.migrate().await.unwrap();
        assert_eq!(PgOutbox::new(db).pending(FIRST, 1).await.unwrap(), []);
    }
}

#[tokio::test]
async fn the_schema_goes_down_and_up_again() {
    let (_own, db) = fresh().await;
    db.write(&context(), "write", async |tx| tx.enqueue(&message(1)).await).await.unwrap();
    revert_all(&db).await.unwrap();
    let gone = async |tx: &mut crate::Tx| Ok(tx.conn().batch_execute("SELECT 1 FROM outbox").await?);
    assert!(matches!(db.transact("look", gone).await, Err(StoreError::Failed { .. })));
    assert_eq!(left_behind(&db).await.unwrap(), "");
    db.migrate().await.unwrap();
    assert_eq!(PgOutbox::new(db).pending(FIRST, 1).await.unwrap(), []);
}

#[tokio::test]
async fn a_worker_migrates_as_soon_as_it_can() {
    let own = empty().await;
    // Something of the same name is in the way.
    own.prepare("CREATE VIEW outbox AS SELECT 1").await.unwrap();
    let db = open(own.config());
    let health = PgHealth::new("store", db.clone());
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(db.clone().keep_migrating(stopped));
    let said = "test store: its schema is not migrated yet: a migration failed";
    let says = async || (health.check().await.unwrap_err() == said).then_some(());
    eventually(PATIENCE, says).await.unwrap();
    own.prepare("DROP VIEW outbox").await.unwrap();
    eventually(PATIENCE, async || health.check().await.ok()).await.unwrap();
    assert!(!worker.is_finished(), "a worker ends when it is told to");
    stop.send(true).unwrap();
    worker.await.unwrap();
}

/// A process that migrates: as long as its connection lasts.
async fn other_process(own: &TestDatabase) -> AsyncPgConnection {
    let mut other = Connector::for_migrations(own.config(), "other").unwrap().connect().await.unwrap();
    other.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).await.unwrap();
    other
}

#[tokio::test]
async fn whoever_waits_for_another_process_says_so() {
    let own = empty().await;
    let other = other_process(&own).await;
    let db = open(own.config());
    let health = PgHealth::new("store", db.clone());
    let (_stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(db.clone().keep_migrating(stopped));
    let said = "test store: its schema is not migrated yet: another process is migrating this database";
    let says = async || (health.check().await.unwrap_err() == said).then_some(());
    eventually(PATIENCE, says).await.unwrap();
    drop(other);
    eventually(PATIENCE, async || health.check().await.ok()).await.unwrap();
    worker.abort();
}

#[tokio::test]
async fn the_wait_for_another_process_has_an_end() {
    let own = empty().await;
    let _other = other_process(&own).await;
    let db = open(&PgConfig { lock_timeout: Duration::from_millis(300), ..own.config().clone() });
    let waited = tokio::time::timeout(PATIENCE, db.migrate()).await.unwrap();
    assert!(matches!(waited, Err(MigrateError::Busy)), "{waited:?}");
}

/// A host that vanishes without a word holds its locks until the server finds out.
#[tokio::test]
async fn the_server_looks_whether_we_are_still_there() {
    let own = empty().await;
    let settings = "SELECT concat_ws(' ', current_setting('tcp_keepalives_idle'), \
        current_setting('tcp_keepalives_interval'), current_setting('tcp_keepalives_count'), \
        current_setting('tcp_user_timeout'))";
    for connector in [Connector::for_migrations, Connector::new] {
        let mut connection = connector(own.config(), "test").unwrap().connect().await.unwrap();
        let used = sql::<Text>(settings).get_result::<String>(&mut connection).await.unwrap();
        assert_eq!(used, "30 10 3 60000");
    }
}
