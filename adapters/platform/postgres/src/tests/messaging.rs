//! The contract suites of the messaging ports.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::sql_types::BigInt;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use kernel_application::{
    StoreError,
    messaging::{Delivery, FIRST, Inbox, MAX_PAYLOAD, OutboundMessage, Outbox},
    testing::contract::{
        inbox::{self, InboxBench},
        outbox::{self, OutboxBench},
    },
};

use super::{STORE, context, fresh, message};
use crate::{Database, PgInbox, PgOutbox, testing::TestDatabase};

struct Bench {
    db: Database,
    own: TestDatabase,
}

async fn bench() -> Bench {
    let (own, db) = fresh().await;
    own.prepare("CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY)").await.unwrap();
    Bench { db, own }
}

#[async_trait]
impl OutboxBench for Bench {
    fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::new(PgOutbox::new(self.db.clone()))
    }

    async fn enqueue(&self, messages: &[OutboundMessage]) -> Result<(), StoreError> {
        let enqueue = async |tx: &mut crate::Tx| {
            for message in messages {
                tx.enqueue(message).await?;
            }
            Ok(())
        };
        self.db.write(&context(), "write", enqueue).await
    }
}

#[async_trait]
impl InboxBench for Bench {
    fn inbox(&self) -> Arc<dyn Inbox> {
        Arc::new(PgInbox::new(self.db.clone()))
    }

    fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::new(PgOutbox::new(self.db.clone()))
    }

    async fn apply(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let ctx = context().with_delivery(delivery.clone());
        self.db
            .write(&ctx, "apply", async |tx| {
                Ok(tx.conn().batch_execute("INSERT INTO effect DEFAULT VALUES").await?)
            })
            .await
    }

    async fn apply_in_vain(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let ctx = context().with_delivery(delivery.clone());
        self.db
            .write(&ctx, "apply", async |tx| {
                tx.conn().batch_execute("INSERT INTO effect DEFAULT VALUES").await?;
                Err(StoreError::Conflict("effect").into())
            })
            .await
    }

    async fn effects(&self) -> u64 {
        let count = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM effect");
        let count = self.db.read("count", async |connection| count.get_result::<i64>(connection).await);
        count.await.unwrap().unsigned_abs()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_outbox() {
    outbox::all(bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_inbox() {
    inbox::all(bench).await;
}

fn reason<T: std::fmt::Debug>(of: &'static str, result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Failed { store: STORE, operation, source }) if operation == of => source.to_string(),
        other => panic!("not a failure to {of}: {other:?}"),
    }
}

#[tokio::test]
async fn headers_that_cannot_be_read_are_an_error_and_not_lost() {
    let bench = bench().await;
    bench.enqueue(&[message(1)]).await.unwrap();
    bench.own.prepare("UPDATE outbox SET headers = '[[\"traceparent\"'").await.unwrap();
    let said = reason("read outbox", OutboxBench::outbox(&bench).pending(FIRST, 1).await);
    assert!(said.starts_with("headers of message 1 are broken"), "{said}");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_by_name() {
    let bench = bench().await;
    let large = OutboundMessage { payload: vec![0; MAX_PAYLOAD + 1], ..message(1) };
    let said = reason("write", bench.enqueue(std::slice::from_ref(&large)).await);
    assert_eq!(said, large.check_size().unwrap_err().to_string());
    let by_hand = format!(
        "INSERT INTO outbox (event_id, topic, key, aggregate_version, payload, headers)
         VALUES (gen_random_uuid(), 'things', 'a', 1, decode(repeat('00', {}), 'hex'), '[]')",
        MAX_PAYLOAD + 1
    );
    assert!(bench.own.prepare(&by_hand).await.is_err(), "the table has the same bound");
}
