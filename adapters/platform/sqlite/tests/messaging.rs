//! What files can do besides the contract: failed writes, restarts, several processes on one file.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use diesel::{RunQueryDsl, sql_query};
use kernel_application::{
    CallContext, StoreError, TraceContext,
    messaging::{EventLog, FIRST, LogError, MAX_PAYLOAD, OutboundMessage, Outbox, OversizedPayload},
};
use kernel_domain::EventId;
use platform_sqlite::{Database, SqliteEventLog, SqliteOutbox, WriteError};
use tempfile::TempDir;
use uuid::Uuid;

const TTL: Duration = Duration::from_secs(30);

async fn open(folder: &TempDir) -> Database {
    Database::open_messaging(&folder.path().join("test.db"), "test store").await.unwrap()
}

fn context() -> CallContext {
    CallContext::new("test", TraceContext::start(Uuid::from_u128(1)))
}

fn message(n: u128, key: &str) -> OutboundMessage {
    OutboundMessage {
        event_id: EventId::from_uuid(Uuid::from_u128(n)),
        topic: "things".into(),
        key: key.into(),
        aggregate_version: 1,
        payload: n.to_string().into_bytes(),
        headers: vec![("traceparent".into(), "00-ab".into())],
    }
}

async fn count(db: &Database) -> usize {
    SqliteOutbox::new(db.clone()).pending(FIRST, 100).await.unwrap().len()
}

#[tokio::test]
async fn a_failed_write_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let db = open(&folder).await;
    let result = db
        .write(&context(), "write", |tx| {
            tx.enqueue(&message(1, "a"))?;
            Err::<(), _>(WriteError::from(StoreError::Conflict("thing")))
        })
        .await;
    assert!(matches!(result, Err(StoreError::Conflict("thing"))));
    assert_eq!(count(&db).await, 0);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let db = open(&folder).await;
    let large = OutboundMessage { payload: vec![0; MAX_PAYLOAD + 1], ..message(1, "a") };
    let refused = db.write(&context(), "write", move |tx| tx.enqueue(&large)).await;
    let Err(StoreError::Failed { store: "test store", operation: "write outbox", source }) = refused else {
        panic!("{refused:?}")
    };
    let oversized = source.downcast_ref::<OversizedPayload>().unwrap();
    assert_eq!((oversized.topic.as_str(), oversized.length), ("things", MAX_PAYLOAD + 1));
    assert_eq!(count(&db).await, 0);
}

#[tokio::test]
async fn headers_that_cannot_be_read_are_an_error_and_not_lost() {
    let folder = TempDir::new().unwrap();
    let db = open(&folder).await;
    db.write(&context(), "write", |tx| tx.enqueue(&message(1, "a"))).await.unwrap();
    breaks(&db, "UPDATE outbox SET headers = '[[\"traceparent\"'").await;
    let read = SqliteOutbox::new(db).pending(FIRST, 10).await.map_err(|error| whole(&error));
    assert!(read.as_ref().is_err_and(|words| words.contains("header of message 1")), "{read:?}");

    let log = SqliteEventLog::open(&folder.path().join("events.db"), &[("things", 1)]).await.unwrap();
    log.append("things", 0, &[message(1, "a")]).await.unwrap();
    breaks(log.database(), "UPDATE log_record SET headers = ''").await;
    let read = log.fetch("things", 0, 0, 10, Duration::ZERO).await.map_err(|error| whole(&error));
    assert!(read.as_ref().is_err_and(|words| words.contains("things/0@0")), "{read:?}");
}

async fn breaks(db: &Database, statement: &'static str) {
    db.transact("break", move |tx| Ok(sql_query(statement).execute(tx.conn())?)).await.unwrap();
}

/// An error with its sources.
fn whole(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn the_log_keeps_order_and_survives_reopening() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("events.db");
    let log = SqliteEventLog::open(&path, &[("things", 2)]).await.unwrap();
    assert_eq!(log.partitions("things").await.unwrap(), 2);
    assert!(log.partitions("nothing").await.is_err());
    assert!(log.append("things", 9, &[message(1, "a")]).await.is_err());
    log.append("things", 1, &[message(1, "a"), message(2, "b")]).await.unwrap();
    drop(log);

    let log = SqliteEventLog::open(&path, &[("things", 2)]).await.unwrap();
    log.append("things", 1, &[message(3, "a")]).await.unwrap();
    let records = log.fetch("things", 1, 1, 10, Duration::ZERO).await.unwrap();
    assert_eq!(
        records.iter().map(|record| (record.offset, record.key.as_str())).collect::<Vec<_>>(),
        [(1, "b"), (2, "a")]
    );
    assert_eq!(records[0].headers, message(1, "").headers);
    assert_eq!(log.bounds("things", 1).await.unwrap(), 0..3);
    assert_eq!(log.purge(Duration::ZERO).await.unwrap(), 3);
    assert_eq!(log.bounds("things", 1).await.unwrap(), 3..3);
    let gone = log.fetch("things", 1, 0, 10, Duration::ZERO).await;
    assert!(matches!(gone, Err(LogError::OutOfRange { offset: 0, .. })), "{gone:?}");
}

#[tokio::test]
async fn a_waiting_reader_learns_of_another_process_append() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("events.db");
    let reader = SqliteEventLog::open(&path, &[("things", 1)]).await.unwrap();
    let writer = SqliteEventLog::open(&path, &[("things", 1)]).await.unwrap();
    let waiting = tokio::spawn(async move { reader.fetch("things", 0, 0, 10, TTL).await.unwrap() });
    writer.append("things", 0, &[message(1, "a")]).await.unwrap();
    let records = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    assert_eq!(records.len(), 1);
}

#[tokio::test]
async fn parallel_writers_of_two_handles_do_not_fail() {
    let folder = TempDir::new().unwrap();
    let (a, b) = (open(&folder).await, open(&folder).await);
    let writes = (0..100_u128).map(|n| {
        let db = if n % 2 == 0 { a.clone() } else { b.clone() };
        tokio::spawn(
            async move { db.write(&context(), "write", move |tx| tx.enqueue(&message(n, "a"))).await },
        )
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap().unwrap();
    }
    assert_eq!(
        a.read("count", |c| sql_query("SELECT 1 FROM outbox LIMIT 1").execute(c)).await.map(drop).ok(),
        Some(())
    );
    assert_eq!(count(&b).await, 100);
}
