//! The messaging ports on real files, against the contract that every home keeps.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kernel_application::{
    Begin, Claim, IdempotencyKey, IdempotencyStore, StoreError,
    messaging::{Delivery, EventLog, FIRST, Inbox, OutboundMessage, Outbox},
    testing::{
        context,
        contract::{
            event_log::{self, EventLogBench},
            idempotency::{self, IdempotencyBench},
            inbox::{self, InboxBench},
            outbox::{self, OutboxBench},
        },
    },
};
use kernel_domain::EventId;
use platform_sqlite::{
    Database, IdempotencyRows, SqliteEventLog, SqliteInbox, SqliteOutbox, StoredBegin, Tx,
};
use tempfile::TempDir;
use uuid::Uuid;

/// A file with the messaging tables; an effect is a message in its outbox.
struct File {
    db: Database,
    _folder: TempDir,
}

impl File {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let db = Database::open_messaging(&folder.path().join("test.db"), "test store").await.unwrap();
        Self { db, _folder: folder }
    }

    async fn count_effects(&self) -> u64 {
        let pending = SqliteOutbox::new(self.db.clone()).pending(FIRST, 1_000).await.unwrap();
        pending.iter().filter(|stored| stored.message.topic == "effects").count() as u64
    }
}

fn effect() -> OutboundMessage {
    OutboundMessage {
        event_id: EventId::from_uuid(Uuid::now_v7()),
        topic: "effects".into(),
        key: "a".into(),
        aggregate_version: 1,
        payload: vec![],
        headers: vec![],
    }
}

#[async_trait]
impl OutboxBench for File {
    fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::new(SqliteOutbox::new(self.db.clone()))
    }

    async fn enqueue(&self, messages: &[OutboundMessage]) -> Result<(), StoreError> {
        let messages = messages.to_vec();
        let write = move |tx: &mut Tx<'_>| messages.iter().try_for_each(|message| tx.enqueue(message));
        self.db.write(&context(), "write", write).await
    }
}

#[async_trait]
impl InboxBench for File {
    fn inbox(&self) -> Arc<dyn Inbox> {
        Arc::new(SqliteInbox::new(self.db.clone()))
    }

    fn outbox(&self) -> Arc<dyn Outbox> {
        OutboxBench::outbox(self)
    }

    async fn apply(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let ctx = context().with_delivery(delivery.clone());
        self.db.write(&ctx, "apply", |tx| tx.enqueue(&effect())).await
    }

    async fn apply_in_vain(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let ctx = context().with_delivery(delivery.clone());
        let refused = |tx: &mut Tx<'_>| {
            tx.enqueue(&effect())?;
            Err(StoreError::Conflict("thing").into())
        };
        self.db.write(&ctx, "apply", refused).await
    }

    async fn effects(&self) -> u64 {
        self.count_effects().await
    }
}

#[async_trait]
impl IdempotencyBench for File {
    fn keys(&self) -> Arc<dyn IdempotencyStore<Vec<u8>>> {
        Arc::new(Keys(IdempotencyRows::new(self.db.clone())))
    }

    async fn apply(&self, claim: &Claim, answer: &[u8]) -> Result<(), StoreError> {
        let (claim, answer) = (claim.clone(), answer.to_vec());
        let write = move |tx: &mut Tx<'_>| {
            tx.enqueue(&effect())?;
            tx.settle_claim(&claim, &answer)
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

/// A log whose topics are declared by opening it once more, as another process would.
struct Topics {
    log: Arc<SqliteEventLog>,
    folder: TempDir,
    count: AtomicU64,
}

#[async_trait]
impl EventLogBench for Topics {
    fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    async fn topic(&self, partitions: u32) -> String {
        let name = format!("topic-{}", self.count.fetch_add(1, Ordering::Relaxed));
        SqliteEventLog::open(&self.folder.path().join("events.db"), &[(&name, partitions)]).await.unwrap();
        name
    }
}

#[tokio::test]
async fn the_outbox_keeps_its_contract() {
    outbox::all(File::new).await;
}

#[tokio::test]
async fn the_inbox_keeps_its_contract() {
    inbox::all(File::new).await;
}

#[tokio::test]
async fn idempotency_keys_keep_their_contract() {
    idempotency::all(File::new).await;
}

#[tokio::test]
async fn the_event_log_keeps_its_contract() {
    let folder = TempDir::new().unwrap();
    let log = Arc::new(SqliteEventLog::open(&folder.path().join("events.db"), &[]).await.unwrap());
    event_log::all(&Topics { log, folder, count: AtomicU64::new(0) }).await;
}
