//! The contract suites of the messaging ports.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::sql_types::BigInt;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use kernel_application::{
    StoreError,
    messaging::{Delivery, Inbox, OutboundMessage, Outbox},
    testing::contract::{
        inbox::{self, InboxBench},
        outbox::{self, OutboxBench},
    },
};

use super::{context, fresh};
use crate::{Database, PgInbox, PgOutbox, testing::TestDatabase};

struct Bench {
    db: Database,
    _own: TestDatabase,
}

async fn bench() -> Bench {
    let (own, db) = fresh().await;
    own.prepare("CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY)").await.unwrap();
    Bench { db, _own: own }
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
