//! Who migrates, when, and what happens until then.

use diesel_async::SimpleAsyncConnection;
use kernel_application::{HealthCheck, StoreError, messaging::FIRST, messaging::Outbox};
use platform_testkit::{PATIENCE, eventually};
use tokio::{sync::watch, task::JoinSet};

use super::{context, empty, fresh, message, one, open};
use crate::{PgHealth, PgOutbox, testing::revert_all};

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
