//! The suites that every home for messages passes.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{
    StoreError,
    messaging::{Delivery, Inbox, OutboundMessage, Outbox},
    testing::{
        context,
        contract::{inbox, inbox::InboxBench, outbox, outbox::OutboxBench},
    },
};

use super::{apply, cluster, count, counted, single};
use crate::{Bucket, Redis, RedisInbox, RedisOutbox};

struct Bench(Redis);

impl Bench {
    /// Events have their effects all over the place.
    fn bucket(delivery: &Delivery) -> Bucket {
        Bucket::of(&delivery.event_id.unwrap().to_string())
    }
}

#[async_trait]
impl InboxBench for Bench {
    fn inbox(&self) -> Arc<dyn Inbox> {
        Arc::new(RedisInbox::new(self.0.clone()))
    }

    fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::new(RedisOutbox::new(self.0.clone()))
    }

    async fn apply(&self, delivery: &Delivery) -> Result<(), StoreError> {
        apply(&self.0, delivery, Self::bucket(delivery)).await.map(drop)
    }

    async fn apply_in_vain(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let ctx = context().with_delivery(delivery.clone());
        count(&self.0, &ctx, Self::bucket(delivery), "in vain").await.map(drop)
    }

    async fn effects(&self) -> u64 {
        let mut effects = 0;
        for bucket in Bucket::all() {
            effects += counted(&self.0, bucket).await;
        }
        effects
    }
}

#[async_trait]
impl OutboxBench for Bench {
    fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::new(RedisOutbox::new(self.0.clone()))
    }

    async fn enqueue(&self, messages: &[OutboundMessage]) -> Result<(), StoreError> {
        RedisOutbox::new(self.0.clone()).enqueue(messages.to_vec()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_keeps_its_contract_on_one_server() {
    inbox::all(async || Bench(single().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_keeps_its_contract_on_a_cluster() {
    inbox::all(async || Bench(cluster().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_keeps_its_contract_on_one_server() {
    outbox::all(async || Bench(single().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_keeps_its_contract_on_a_cluster() {
    outbox::all(async || Bench(cluster().await)).await;
}
