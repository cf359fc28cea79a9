//! What is done again and again is prepared once.

use std::time::Duration;

use kernel_application::{
    Claim, IdempotencyKey,
    messaging::{Delivery, FIRST, Inbox, Outbox, Position},
    testing::context,
};
use kernel_domain::EventId;
use uuid::Uuid;

use super::{database, message};
use crate::{
    Database, IdempotencyRows, MariaDbConfig, MariaDbInbox, MariaDbOutbox, Tx,
    testing::{session_status, silent},
};

const TTL: Duration = Duration::from_mins(1);
const CONSUMER: &str = "consumer";
const TOPIC: &str = "things";

/// All that relay, consumers and commands do while nothing goes wrong. A batch has as many messages as a round tells.
async fn round(db: &Database, messages: usize) {
    apply(db, messages).await;
    relay(db).await;
    answer(db).await;
}

async fn apply(db: &Database, messages: usize) {
    let inbox = MariaDbInbox::new(db.clone());
    inbox.join(CONSUMER, "me", TTL).await.unwrap();
    let taken = inbox.take(CONSUMER, TOPIC, 0, "me", TTL).await.unwrap();
    let Position { epoch, next_offset } = taken.unwrap();
    assert!(inbox.renew(CONSUMER, TOPIC, 0, epoch, TTL).await.unwrap());
    let event_id = EventId::from_uuid(Uuid::now_v7());
    let delivery = Delivery {
        consumer: CONSUMER.into(),
        topic: TOPIC.into(),
        partition: 0,
        epoch,
        expected: next_offset,
        next: next_offset + 1,
        event_id: Some(event_id),
    };
    inbox.attempt(&delivery).await.unwrap();
    let messages: Vec<_> = (0..messages).map(|_| message()).collect();
    let effect = async |tx: &mut Tx| tx.enqueue_all(&messages).await;
    db.write(&context().with_delivery(delivery), "apply", effect).await.unwrap();
    assert!(inbox.seen(CONSUMER, event_id).await.unwrap());
    inbox.release(CONSUMER, TOPIC, 0, epoch).await.unwrap();
}

async fn relay(db: &Database) {
    let outbox = MariaDbOutbox::new(db.clone());
    assert!(outbox.lease("me", TTL).await.unwrap());
    let pending = outbox.pending(FIRST, 1_000).await.unwrap();
    let ids: Vec<_> = pending.iter().map(|stored| stored.id).collect();
    outbox.mark_published(&ids).await.unwrap();
    assert_eq!(outbox.stats().await.unwrap().backlog, 0);
}

async fn answer(db: &Database) {
    let keys = IdempotencyRows::new(db.clone());
    let key = || IdempotencyKey { principal: "p".into(), route: "r", key: Uuid::now_v7().to_string() };
    let [settled, suspended, released] = [(); 3].map(|()| Claim { key: key(), token: "t".into() });
    for claim in [&settled, &suspended, &released] {
        keys.begin(claim, "hash", TTL).await.unwrap();
    }
    keys.finish(&settled, b"answer".to_vec()).await.unwrap();
    keys.begin(&settled, "hash", TTL).await.unwrap();
    keys.suspend(&suspended).await.unwrap();
    keys.begin(&suspended, "hash", TTL).await.unwrap();
    keys.release(&released).await.unwrap();
}

#[tokio::test]
async fn what_is_repeated_is_prepared_once() {
    let home = database().await;
    let config = MariaDbConfig { pool_size: 1, ..home.config().clone() };
    let db = Database::messaging(&config, "test store", silent()).unwrap();
    db.migrate().await.unwrap();
    round(&db, 1).await;
    round(&db, 3).await;
    let prepared = async || session_status(&db, "Com_stmt_prepare").await;
    let before = prepared().await;
    for messages in [1, 3, 1, 3] {
        round(&db, messages).await;
    }
    assert_eq!(prepared().await, before);
}
