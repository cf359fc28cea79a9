//! Outbox, inbox, idempotency keys and log on real files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use diesel::{RunQueryDsl, sql_query};
use kernel_application::{
    CallContext, Claim, IdempotencyKey, StoreError, TraceContext,
    messaging::{Delivery, EventLog, Inbox, OutboundMessage, Outbox, Position},
};
use kernel_domain::EventId;
use platform_sqlite::{
    Database, IdempotencyRows, SqliteEventLog, SqliteInbox, SqliteOutbox, StoredBegin, WriteError,
};
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

fn delivery(Position { epoch, next_offset }: Position, event: u128) -> Delivery {
    Delivery {
        consumer: "c".into(),
        topic: "things".into(),
        partition: 0,
        epoch,
        expected: next_offset,
        next: next_offset + 1,
        event_id: Some(EventId::from_uuid(Uuid::from_u128(event))),
    }
}

async fn count(db: &Database) -> usize {
    SqliteOutbox::new(db.clone()).pending(100).await.unwrap().len()
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
async fn the_outbox_gives_each_message_until_it_is_marked() {
    let folder = TempDir::new().unwrap();
    let db = open(&folder).await;
    let outbox = SqliteOutbox::new(db.clone());
    for n in 1..=3 {
        db.write(&context(), "write", move |tx| tx.enqueue(&message(n, "a"))).await.unwrap();
    }
    let pending = outbox.pending(2).await.unwrap();
    assert_eq!(
        pending.iter().map(|stored| stored.message.clone()).collect::<Vec<_>>(),
        [message(1, "a"), message(2, "a")]
    );
    outbox.mark_published(&[pending[0].id]).await.unwrap();
    assert_eq!(outbox.pending(9).await.unwrap().len(), 2);
    assert_eq!(outbox.stats().await.unwrap().backlog, 2);
    assert_eq!(outbox.purge(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(outbox.stats().await.unwrap().backlog, 2);
}

#[tokio::test]
async fn one_relay_works_at_a_time() {
    let folder = TempDir::new().unwrap();
    let outbox = SqliteOutbox::new(open(&folder).await);
    assert!(outbox.lease("a", TTL).await.unwrap());
    assert!(outbox.lease("a", TTL).await.unwrap());
    assert!(!outbox.lease("b", TTL).await.unwrap());
    assert!(outbox.lease("a", Duration::ZERO).await.unwrap());
    assert!(outbox.lease("b", TTL).await.unwrap());
}

#[tokio::test]
async fn an_event_is_applied_once_and_the_position_moves_with_it() {
    let folder = TempDir::new().unwrap();
    let db = open(&folder).await;
    let inbox = SqliteInbox::new(db.clone());
    let position = inbox.take("c", "things", 0, "me", TTL).await.unwrap().unwrap();
    let apply = |position, event, effect| {
        let (db, ctx) = (db.clone(), context().with_delivery(delivery(position, event)));
        async move { db.write(&ctx, "apply", move |tx| tx.enqueue(&message(effect, "a"))).await }
    };
    apply(position, 7, 100).await.unwrap();
    assert!(inbox.seen("c", EventId::from_uuid(Uuid::from_u128(7))).await.unwrap());

    assert!(matches!(apply(position, 8, 101).await, Err(StoreError::Fenced)), "the position has moved");
    let next = Position { next_offset: position.next_offset + 1, ..position };
    assert!(matches!(apply(next, 7, 102).await, Err(StoreError::AlreadyApplied)));
    assert_eq!(count(&db).await, 1, "a duplicate has no effect");

    let taken = inbox.take("c", "things", 0, "me", TTL).await.unwrap().unwrap();
    assert_eq!(taken.next_offset, 2, "a duplicate moves the position");
    let stale = Position { next_offset: 2, ..position };
    assert!(matches!(apply(stale, 9, 103).await, Err(StoreError::Fenced)), "an old epoch is fenced off");
}

#[tokio::test]
async fn a_partition_has_one_owner_until_its_lease_is_over() {
    let folder = TempDir::new().unwrap();
    let inbox = SqliteInbox::new(open(&folder).await);
    let first = inbox.take("c", "things", 0, "a", TTL).await.unwrap().unwrap();
    assert_eq!(inbox.take("c", "things", 0, "b", TTL).await.unwrap(), None);
    assert!(inbox.renew("c", "things", 0, first.epoch, Duration::ZERO).await.unwrap());
    let second = inbox.take("c", "things", 0, "b", TTL).await.unwrap().unwrap();
    assert!(second.epoch > first.epoch);
    assert!(!inbox.renew("c", "things", 0, first.epoch, TTL).await.unwrap());
    inbox.release("c", "things", 0, second.epoch).await.unwrap();
    assert!(inbox.take("c", "things", 0, "a", TTL).await.unwrap().is_some());
}

#[tokio::test]
async fn attempts_count_until_the_record_is_passed() {
    let folder = TempDir::new().unwrap();
    let inbox = SqliteInbox::new(open(&folder).await);
    let position = inbox.take("c", "things", 0, "a", TTL).await.unwrap().unwrap();
    let first = delivery(position, 1);
    assert_eq!(inbox.attempt(&first).await.unwrap(), 1);
    assert_eq!(inbox.attempt(&first).await.unwrap(), 2);
    inbox.dead_letter(&first, message(5, "a")).await.unwrap();
    assert!(matches!(inbox.attempt(&first).await, Err(StoreError::Fenced)));
    let next = delivery(Position { next_offset: 1, ..position }, 2);
    assert_eq!(inbox.attempt(&next).await.unwrap(), 1);
}

#[tokio::test]
async fn one_of_fifty_gets_the_key() {
    let folder = TempDir::new().unwrap();
    let keys = IdempotencyRows::new(open(&folder).await);
    let claim = |token: usize| Claim {
        key: IdempotencyKey { principal: "p".into(), route: "r", key: "k".into() },
        token: token.to_string(),
    };
    let keys = Arc::new(keys);
    let tries = (0..50).map(|n| {
        let keys = Arc::clone(&keys);
        tokio::spawn(async move { (n, keys.begin(&claim(n), "hash", TTL).await.unwrap()) })
    });
    let mut winners = Vec::new();
    for each in tries.collect::<Vec<_>>() {
        match each.await.unwrap() {
            (n, StoredBegin::Started) => winners.push(n),
            (_, other) => assert_eq!(other, StoredBegin::Running),
        }
    }
    assert_eq!(winners.len(), 1);
    let winner = claim(winners[0]);
    assert_eq!(keys.begin(&claim(99), "other", TTL).await.unwrap(), StoredBegin::Mismatch);
    keys.finish(&claim(99), b"no".to_vec()).await.unwrap();
    keys.finish(&winner, b"yes".to_vec()).await.unwrap();
    keys.release(&winner).await.unwrap();
    assert_eq!(keys.begin(&claim(99), "hash", TTL).await.unwrap(), StoredBegin::Replay(b"yes".to_vec()));
}

#[tokio::test]
async fn a_lost_claim_rolls_the_effect_back() {
    let folder = TempDir::new().unwrap();
    let db = open(&folder).await;
    let keys = IdempotencyRows::new(db.clone());
    let claim = |token: &str| Claim {
        key: IdempotencyKey { principal: "p".into(), route: "r", key: "k".into() },
        token: token.into(),
    };
    assert_eq!(keys.begin(&claim("a"), "hash", Duration::ZERO).await.unwrap(), StoredBegin::Started);
    assert_eq!(
        keys.begin(&claim("b"), "hash", TTL).await.unwrap(),
        StoredBegin::Started,
        "the lock was over"
    );
    let late = claim("a");
    let result = db
        .write(&context(), "write", move |tx| {
            tx.enqueue(&message(1, "a"))?;
            tx.settle_claim(&late, b"answer")
        })
        .await;
    assert!(matches!(result, Err(StoreError::Fenced)));
    assert_eq!(count(&db).await, 0);
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
