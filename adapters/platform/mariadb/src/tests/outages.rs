//! A server that goes and comes.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use kernel_application::{
    HealthCheck, StoreError,
    messaging::{FIRST, Outbox},
    testing::context,
};
use platform_testkit::{PATIENCE, eventually};
use tokio::sync::watch;

use super::{database, gate::Gate, message};
use crate::{
    Database, MariaDbHealth, MariaDbOutbox, Tx, WriteError,
    testing::{TestDatabase, silent},
};

/// All limits of a gated configuration together, with room for a busy machine.
const AT_LONGEST: Duration = Duration::from_secs(15);

async fn write(db: &Database) -> Result<(), StoreError> {
    db.write(&context(), "write", async |tx: &mut Tx| tx.enqueue(&message()).await).await
}

async fn gated(home: &TestDatabase, gate: &Gate) -> Database {
    let db = Database::messaging(&gate.config(home), "test store", silent()).unwrap();
    db.migrate().await.unwrap();
    db
}

async fn count(db: &Database) -> usize {
    MariaDbOutbox::new(db.clone()).pending(FIRST, 1_000).await.unwrap().len()
}

fn unavailable(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
}

#[tokio::test]
async fn a_service_starts_before_its_server() {
    let home = database().await;
    let gate = Gate::before(&home);
    gate.shut();
    let db = Database::messaging(&gate.config(&home), "test store", silent()).unwrap();
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(db.clone().keep_migrating(stopped));
    unavailable(&write(&db).await);
    let health = MariaDbHealth::new("test-store", db.clone());
    eventually(PATIENCE, async || {
        let words = health.check().await.unwrap_err();
        (words.contains("not migrated") && words.contains("cannot be reached: check that it runs"))
            .then_some(())
    })
    .await
    .unwrap();
    gate.open();
    eventually(PATIENCE, async || health.check().await.ok()).await.unwrap();
    write(&db).await.unwrap();
    stop.send(true).unwrap();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_down_is_used_again_when_it_is_back() {
    let home = database().await;
    let gate = Gate::before(&home);
    let db = gated(&home, &gate).await;
    let health = MariaDbHealth::new("test-store", db.clone());
    write(&db).await.unwrap();
    gate.shut();
    let start = Instant::now();
    unavailable(&write(&db).await);
    assert!(start.elapsed() < AT_LONGEST, "{:?}", start.elapsed());
    let words = health.check().await.unwrap_err();
    assert!(words.contains("DB_HOST") && !words.contains(home.config().password.expose()), "{words}");
    gate.open();
    write(&db).await.unwrap();
    health.check().await.unwrap();
    assert_eq!(count(&db).await, 2);
}

#[tokio::test]
async fn connections_that_died_unnoticed_cost_no_answer() {
    let home = database().await;
    let gate = Gate::before(&home);
    let db = gated(&home, &gate).await;
    let many = async || tokio::try_join!(write(&db), write(&db), write(&db), write(&db));
    many().await.unwrap();
    gate.shut();
    gate.open();
    many().await.unwrap();
    assert_eq!(count(&db).await, 8);
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_given_up() {
    let home = database().await;
    let gate = Gate::before(&home);
    let db = gated(&home, &gate).await;
    write(&db).await.unwrap();
    gate.silence();
    let start = Instant::now();
    unavailable(&write(&db).await);
    assert!(start.elapsed() < AT_LONGEST, "{:?}", start.elapsed());
    assert!(MariaDbHealth::new("test-store", db.clone()).check().await.is_err());
    gate.open();
    write(&db).await.unwrap();
    let count = count(&db).await;
    assert!((2..=3).contains(&count), "what was given up may have been written, once: {count}");
}

#[tokio::test]
async fn a_commit_without_an_answer_is_not_done_again() {
    let home = database().await;
    let gate = Gate::before(&home);
    let db = gated(&home, &gate).await;
    let attempts = AtomicU32::new(0);
    let change = async |tx: &mut Tx| {
        tx.enqueue(&message()).await?;
        attempts.fetch_add(1, Ordering::Relaxed);
        gate.silence();
        Ok::<_, WriteError>(())
    };
    unavailable(&db.write(&context(), "write", change).await);
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    gate.open();
    assert!(count(&db).await <= 1);
}
