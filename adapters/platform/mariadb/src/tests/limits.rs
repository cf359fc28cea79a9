//! What is waited for has an end.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use kernel_application::{HealthCheck, StoreError, testing::context};
use tokio::{
    sync::{Barrier, oneshot},
    time::timeout,
};

use super::{add, ask, counters, database, run};
use crate::{
    Database, MariaDbConfig, MariaDbHealth, Tx,
    testing::{TestDatabase, silent},
};

async fn limited(home: &TestDatabase, limit: impl FnOnce(&mut MariaDbConfig)) -> Database {
    let mut config = home.config().clone();
    limit(&mut config);
    let db = Database::messaging(&config, "test store", silent()).unwrap();
    db.migrate().await.unwrap();
    db
}

fn unavailable(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
}

/// Holds counter 1 until `done` is dropped.
async fn hold(db: Database, held: oneshot::Sender<()>, done: oneshot::Receiver<()>) {
    let signals = std::sync::Arc::new(std::sync::Mutex::new(Some((held, done))));
    let until_done = async move |tx: &mut Tx| {
        add(tx, 1).await?;
        let (held, done) = signals.lock().unwrap().take().unwrap();
        held.send(()).unwrap();
        let _ = done.await;
        Ok(())
    };
    db.write(&context(), "hold", until_done).await.unwrap();
}

#[tokio::test]
async fn a_lock_is_waited_for_no_longer_than_allowed() {
    let home = database().await;
    let db = limited(&home, |config| config.lock_timeout = Duration::from_secs(1)).await;
    counters(&db).await;
    let ((held, is_held), (done, is_done)) = (oneshot::channel(), oneshot::channel());
    let holder = tokio::spawn(hold(db.clone(), held, is_done));
    is_held.await.unwrap();
    let start = Instant::now();
    unavailable(&db.write(&context(), "wait", async |tx: &mut Tx| add(tx, 1).await).await);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    drop(done);
    holder.await.unwrap();
    db.write(&context(), "go on", async |tx: &mut Tx| add(tx, 1).await).await.unwrap();
    assert_eq!(ask(&db, "SELECT n FROM counter WHERE id = 1").await, "2");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended() {
    let home = database().await;
    let db = limited(&home, |config| config.statement_timeout = Duration::from_secs(1)).await;
    let start = Instant::now();
    unavailable(&db.write(&context(), "sleep", async |tx: &mut Tx| run(tx, "DO SLEEP(60)").await).await);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(ask(&db, "SELECT 1").await, "1");
}

#[tokio::test]
async fn a_connection_is_waited_for_no_longer_than_allowed() {
    let home = database().await;
    let db = limited(&home, |config| {
        config.pool_size = 1;
        config.acquire_timeout = Duration::from_millis(200);
    })
    .await;
    counters(&db).await;
    let ((held, is_held), (done, is_done)) = (oneshot::channel(), oneshot::channel());
    let holder = tokio::spawn(hold(db.clone(), held, is_done));
    is_held.await.unwrap();
    unavailable(&db.write(&context(), "wait", async |tx: &mut Tx| add(tx, 2).await).await);
    let words = MariaDbHealth::new("test-store", db.clone()).check().await.unwrap_err();
    assert!(words.contains("all 1 connections were in use") && words.contains("DB_POOL_SIZE"), "{words}");
    drop(done);
    holder.await.unwrap();
    db.write(&context(), "go on", async |tx: &mut Tx| add(tx, 2).await).await.unwrap();
}

#[tokio::test]
async fn who_loses_to_a_deadlock_is_done_again() {
    let home = database().await;
    let db = home.messaging().await;
    counters(&db).await;
    let (both, attempts) = (Barrier::new(2), AtomicU32::new(0));
    let cross = async |first: i32, second: i32| {
        let change = async |tx: &mut Tx| {
            add(tx, first).await?;
            // Only the first attempts meet: each holds one row then, and wants the other's.
            if attempts.fetch_add(1, Ordering::Relaxed) < 2 {
                both.wait().await;
            }
            add(tx, second).await
        };
        db.write(&context(), "cross", change).await
    };
    let (one, two) = tokio::join!(cross(1, 2), cross(2, 1));
    one.unwrap();
    two.unwrap();
    assert!(attempts.load(Ordering::Relaxed) > 2, "there was a deadlock");
    assert_eq!(ask(&db, "SELECT GROUP_CONCAT(n) FROM counter").await, "2,2");
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_any_more_leaves_no_lock() {
    let home = database().await;
    let db = home.messaging().await;
    counters(&db).await;
    let ((held, is_held), (done, is_done)) = (oneshot::channel(), oneshot::channel());
    let given_up = tokio::spawn(hold(db.clone(), held, is_done));
    is_held.await.unwrap();
    given_up.abort();
    let ctx = context();
    let next = db.write(&ctx, "next", async |tx: &mut Tx| add(tx, 1).await);
    timeout(home.config().lock_timeout / 2, next).await.expect("the lock is free").unwrap();
    assert_eq!(ask(&db, "SELECT n FROM counter WHERE id = 1").await, "1");
    drop(done);
}
