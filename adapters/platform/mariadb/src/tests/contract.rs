//! The messaging ports, against the contract that every home keeps.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel_application::{
    Begin, Claim, IdempotencyKey, IdempotencyStore, StoreError,
    messaging::{Delivery, FIRST, Inbox, OutboundMessage, Outbox},
    testing::{
        context,
        contract::{
            idempotency::{self, IdempotencyBench},
            inbox::{self, InboxBench},
            outbox::{self, OutboxBench},
        },
    },
};
use uuid::Uuid;

use super::{database, message};
use crate::{
    Database, IdempotencyRows, MariaDbInbox, MariaDbOutbox, StoredBegin, Tx, WriteError,
    testing::TestDatabase,
};

/// A database with the messaging tables; an effect is a message in its outbox.
struct Bench {
    db: Database,
    _home: TestDatabase,
}

impl Bench {
    async fn new() -> Self {
        let home = database().await;
        Self { db: home.messaging().await, _home: home }
    }

    async fn count_effects(&self) -> u64 {
        let pending = MariaDbOutbox::new(self.db.clone()).pending(FIRST, 1_000).await.unwrap();
        pending.iter().filter(|stored| stored.message.topic == "effects").count() as u64
    }
}

#[async_trait]
impl OutboxBench for Bench {
    fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::new(MariaDbOutbox::new(self.db.clone()))
    }

    async fn enqueue(&self, messages: &[OutboundMessage]) -> Result<(), StoreError> {
        let write = async |tx: &mut Tx| {
            for message in messages {
                tx.enqueue(message).await?;
            }
            Ok(())
        };
        self.db.write(&context(), "write", write).await
    }
}

#[async_trait]
impl InboxBench for Bench {
    fn inbox(&self) -> Arc<dyn Inbox> {
        Arc::new(MariaDbInbox::new(self.db.clone()))
    }

    fn outbox(&self) -> Arc<dyn Outbox> {
        OutboxBench::outbox(self)
    }

    async fn apply(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let ctx = context().with_delivery(delivery.clone());
        self.db.write(&ctx, "apply", async |tx: &mut Tx| tx.enqueue(&message()).await).await
    }

    async fn apply_in_vain(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let ctx = context().with_delivery(delivery.clone());
        let refused = async |tx: &mut Tx| {
            tx.enqueue(&message()).await?;
            Err(WriteError::from(StoreError::Conflict("thing")))
        };
        self.db.write(&ctx, "apply", refused).await
    }

    async fn effects(&self) -> u64 {
        self.count_effects().await
    }
}

#[async_trait]
impl IdempotencyBench for Bench {
    fn keys(&self) -> Arc<dyn IdempotencyStore<Vec<u8>>> {
        Arc::new(Keys(IdempotencyRows::new(self.db.clone())))
    }

    async fn apply(&self, claim: &Claim, answer: &[u8]) -> Result<(), StoreError> {
        let write = async |tx: &mut Tx| {
            tx.enqueue(&message()).await?;
            tx.settle_claim(claim, answer).await
        };
        self.db.write(&context(), "apply", write).await
    }

    async fn effects(&self) -> u64 {
        self.count_effects().await
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        IdempotencyRows::new(self.db.clone()).purge(retention).await
    }
}

/// The rows as the port shows them.
struct Keys(IdempotencyRows);

#[async_trait]
impl IdempotencyStore<Vec<u8>> for Keys {
    async fn begin(
        &self,
        key: IdempotencyKey,
        request_hash: &str,
        lock: Duration,
    ) -> Result<Begin<Vec<u8>>, StoreError> {
        let claim = Claim { key, token: Uuid::now_v7().to_string() };
        Ok(match self.0.begin(&claim, request_hash, lock).await? {
            StoredBegin::Started => Begin::Started(claim),
            StoredBegin::Replay(answer) => Begin::Replay(answer),
            StoredBegin::Mismatch => Begin::Mismatch,
            StoredBegin::Running => Begin::Running,
        })
    }

    async fn finish(&self, claim: &Claim, answer: Vec<u8>) -> Result<(), StoreError> {
        self.0.finish(claim, answer).await
    }

    async fn suspend(&self, claim: &Claim) -> Result<(), StoreError> {
        self.0.suspend(claim).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        self.0.release(claim).await
    }
}

#[tokio::test]
async fn the_outbox_keeps_its_contract() {
    outbox::all(Bench::new).await;
}

#[tokio::test]
async fn the_inbox_keeps_its_contract() {
    inbox::all(Bench::new).await;
}

#[tokio::test]
async fn idempotency_keys_keep_their_contract() {
    idempotency::all(Bench::new).await;
}
