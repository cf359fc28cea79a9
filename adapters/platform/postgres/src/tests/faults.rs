//! Servers that are away, silent, busy or restarted: every operation ends in time, and works again by itself.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use diesel_async::SimpleAsyncConnection;
use kernel_application::{HealthCheck, StoreError};
use platform_testkit::{PATIENCE, eventually};
use tokio::sync::{oneshot, watch};

use super::{
    context, empty, fresh,
    gate::{Gate, State},
    message, one, open,
};
use crate::{Database, PgConfig, PgHealth, Tx, testing::TestDatabase};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SOON: Duration = Duration::from_millis(300);

/// A database with limits that are over soon.
async fn impatient() -> (TestDatabase, Database) {
    let own = empty().await;
    let db = open(&hasty(own.config()));
    db.migrate().await.unwrap();
    (own, db)
}

fn hasty(config: &PgConfig) -> PgConfig {
    PgConfig {
        acquire_timeout: SOON,
        statement_timeout: SOON * 2,
        lock_timeout: SOON,
        connect_timeout: SOON * 2,
        pool_size: 2,
        ..config.clone()
    }
}

async fn run(db: &Database, statements: &str) -> Result<(), StoreError> {
    db.transact("run", async |tx| Ok(tx.conn().batch_execute(statements).await?)).await
}

fn unavailable<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Unavailable { source, .. }) => source.to_string(),
        other => panic!("not unavailable: {other:?}"),
    }
}

#[tokio::test]
async fn a_service_starts_before_its_server_and_outlives_its_outages() {
    let own = empty().await;
    let gate = Gate::new(HOME, State::Shut).await;
    let db = open(&gate.before(&own));
    let health = PgHealth::new("store", db.clone());
    let (_stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(db.clone().keep_migrating(stopped));
    let said = async || Some(health.check().await.unwrap_err()).filter(|text| text.contains("reached"));
    let said = eventually(PATIENCE, said).await.unwrap();
    let place = format!("its schema is not migrated yet: PostgreSQL at {} cannot be reached", gate.addr);
    assert!(said.contains(&place), "{said}");
    for _ in 0..3 {
        gate.set(State::Open);
        eventually(PATIENCE, async || health.check().await.ok()).await.unwrap();
        db.write(&context(), "write", async |_| Ok(())).await.unwrap();
        gate.set(State::Shut);
        eventually(PATIENCE, async || {
            db.read("read", one).await.err().map(|error| unavailable::<()>(Err(error)))
        })
        .await
        .unwrap();
        let said = health.check().await.unwrap_err();
        assert!(said.contains("cannot be reached") && !said.contains("password"), "{said}");
    }
    worker.abort();
}

#[tokio::test]
async fn a_server_that_stands_still_is_given_up_in_time() {
    let own = empty().await;
    let gate = Gate::new(HOME, State::Open).await;
    let db = open(&hasty(&gate.before(&own)));
    db.migrate().await.unwrap();
    db.read("read", one).await.unwrap();
    gate.set(State::Silent);
    let start = Instant::now();
    unavailable(db.read("read on an old connection", one).await);
    unavailable(db.read("read on a new connection", one).await);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    gate.set(State::Shut);
    gate.set(State::Open);
    eventually(PATIENCE, async || db.read("read", one).await.ok()).await.unwrap();
}

#[tokio::test]
async fn connections_that_a_restart_broke_are_replaced() {
    let (own, db) = fresh().await;
    db.read("read", one).await.unwrap();
    let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let (started, running) = oneshot::channel();
    let busy = tokio::spawn({
        let db = db.clone();
        async move {
            db.transact("sleep", async |tx| {
                started.send(()).unwrap();
                Ok(tx.conn().batch_execute("SELECT pg_sleep(15)").await?)
            })
            .await
        }
    });
    running.await.unwrap();
    let end = async || {
        own.prepare(all).await.unwrap();
        busy.is_finished().then_some(())
    };
    eventually(PATIENCE, end).await.unwrap();
    unavailable(busy.await.unwrap());
    eventually(PATIENCE, async || db.read("read", one).await.ok()).await.unwrap();
}

/// Keeps a connection until the sender is gone.
async fn hold(db: &Database, mut released: watch::Receiver<()>) -> Result<(), StoreError> {
    db.transact("hold", async |_: &mut Tx| {
        drop(released.changed().await);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn when_all_connections_are_in_use_the_wait_has_an_end() {
    let own = empty().await;
    let db = open(&PgConfig { pool_size: 2, acquire_timeout: SOON, ..own.config().clone() });
    db.migrate().await.unwrap();
    let (release, released) = watch::channel(());
    let holders = [(); 2].map(|()| {
        let (db, released) = (db.clone(), released.clone());
        // On a busy machine, making a connection may take longer than the wait for one: then it is tried again.
        tokio::spawn(
            async move { eventually(PATIENCE, async || hold(&db, released.clone()).await.ok()).await },
        )
    });
    let waited = async || {
        let start = Instant::now();
        db.read("read", one).await.err().map(|error| (unavailable::<()>(Err(error)), start.elapsed()))
    };
    let (said, waited) = eventually(PATIENCE, waited).await.unwrap();
    assert!(waited >= SOON && waited < SOON * 10, "{waited:?}");
    assert!(said.starts_with("all 2 connections were in use for 300ms"), "{said}");
    assert!(PgHealth::new("store", db.clone()).check().await.unwrap_err().contains(&said));
    drop(release);
    for holder in holders {
        holder.await.unwrap().unwrap();
    }
    assert_eq!(db.read("read", one).await.unwrap(), 1);
}

#[tokio::test]
async fn long_statements_and_long_waits_for_locks_end() {
    let (own, db) = impatient().await;
    unavailable(run(&db, "SELECT pg_sleep(15)").await);
    own.prepare("CREATE TABLE thing (id int PRIMARY KEY); INSERT INTO thing VALUES (1)").await.unwrap();
    let other = open(own.config());
    other.migrate().await.unwrap();
    other
        .transact("lock", async |tx| {
            tx.conn().batch_execute("UPDATE thing SET id = 1").await?;
            let waiting = run(&db, "UPDATE thing SET id = 1").await;
            assert!(unavailable(waiting).contains("lock timeout"));
            Ok(())
        })
        .await
        .unwrap();
    run(&db, "UPDATE thing SET id = 1").await.unwrap();
}

#[tokio::test]
async fn the_victim_of_a_deadlock_is_told_to_decide_again() {
    let (own, db) = fresh().await;
    own.prepare("CREATE TABLE thing (id int PRIMARY KEY); INSERT INTO thing VALUES (1), (2)").await.unwrap();
    let barrier = tokio::sync::Barrier::new(2);
    let both = async |first: u8, second: u8| {
        db.transact("lock", async |tx| {
            tx.conn().batch_execute(&format!("UPDATE thing SET id = id WHERE id = {first}")).await?;
            barrier.wait().await;
            Ok(tx.conn().batch_execute(&format!("UPDATE thing SET id = id WHERE id = {second}")).await?)
        })
        .await
    };
    let results = tokio::join!(both(1, 2), both(2, 1));
    assert!(
        matches!(results, (Ok(()), Err(StoreError::Conflict(_))) | (Err(StoreError::Conflict(_)), Ok(()))),
        "{results:?}"
    );
}

#[tokio::test]
async fn who_is_cut_short_leaves_no_lock_behind() {
    let (own, db) = fresh().await;
    own.prepare("CREATE TABLE thing (id int PRIMARY KEY); INSERT INTO thing VALUES (1)").await.unwrap();
    let (locked, holds) = oneshot::channel();
    let caller = tokio::spawn({
        let db = db.clone();
        async move {
            db.transact("lock", async |tx| {
                tx.conn().batch_execute("UPDATE thing SET id = 1").await?;
                locked.send(()).unwrap();
                std::future::pending::<()>().await;
                Ok(())
            })
            .await
        }
    });
    holds.await.unwrap();
    caller.abort();
    // Only at once is soon enough here: the lock of an idle transaction would last for 20 seconds.
    let start = Instant::now();
    run(&db, "UPDATE thing SET id = 1").await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_broken_unique_rule_can_be_told_from_other_errors() {
    let (_own, db) = fresh().await;
    let enqueue = async |n| {
        db.transact("write", async |tx: &mut Tx| {
            let done = tx.enqueue(&message(n)).await;
            done.map_err(
                |error| if error.is_duplicate() { StoreError::Duplicate("message").into() } else { error },
            )
        })
        .await
    };
    enqueue(1).await.unwrap();
    assert!(matches!(enqueue(1).await, Err(StoreError::Duplicate("message"))));
    assert!(matches!(run(&db, "SELECT 1 / 0").await, Err(StoreError::Failed { .. })));
    unavailable(run(&db, "SET TRANSACTION READ ONLY; DELETE FROM outbox").await);
}

#[tokio::test]
async fn a_refusal_says_what_to_check() {
    let own = empty().await;
    let wrong = [
        (PgConfig { name: "nowhere".into(), ..own.config().clone() }, "has no database nowhere"),
        (PgConfig { user: "nobody".into(), ..own.config().clone() }, "refuses user nobody: check DB_USER"),
    ];
    for (config, words) in wrong {
        let said = open(&config).migrate().await.unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
}
