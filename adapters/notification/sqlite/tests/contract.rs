//! The store against the contract of its ports.

#![cfg(test)]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel_application::{
    messaging::{Delivery, Inbox},
    testing::context,
};
use kernel_domain::EventId;
use notification_application::{
    NotificationFeed, NotificationQueries, NotificationRepository,
    testing::{
        contract::{self, Stores},
        sample,
    },
};
use notification_sqlite::{
    SqliteNotificationFeed, SqliteNotificationQueries, SqliteNotificationRepository, open,
};
use platform_sqlite::{Database, SqliteInbox};
use tempfile::TempDir;

struct Sqlite {
    db: Database,
    _dir: TempDir,
}

#[async_trait]
impl Stores for Sqlite {
    fn repository(&self) -> Arc<dyn NotificationRepository> {
        Arc::new(SqliteNotificationRepository::new(self.db.clone()))
    }

    fn queries(&self) -> Arc<dyn NotificationQueries> {
        Arc::new(SqliteNotificationQueries::new(self.db.clone()))
    }

    fn feed(&self) -> Arc<dyn NotificationFeed> {
        Arc::new(SqliteNotificationFeed::new(self.db.clone()))
    }

    async fn delivery(&self, event: EventId) -> Delivery {
        let inbox = SqliteInbox::new(self.db.clone());
        let (consumer, topic) = ("notification", "payment-events");
        let position = inbox.take(consumer, topic, 0, "test", Duration::from_mins(1)).await.unwrap().unwrap();
        Delivery {
            consumer: consumer.into(),
            topic: topic.into(),
            partition: 0,
            epoch: position.epoch,
            expected: position.next_offset,
            next: position.next_offset + 1,
            event_id: Some(event),
        }
    }
}

#[tokio::test]
async fn keeps_the_contract() {
    contract::all(async || {
        let dir = tempfile::tempdir().unwrap();
        Sqlite { db: open(dir.path()).await.unwrap(), _dir: dir }
    })
    .await;
}

#[tokio::test]
async fn data_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let notification = sample(1, "ada");
    let id = notification.snapshot().id;
    let first = SqliteNotificationRepository::new(open(dir.path()).await.unwrap());
    first.add_all(&context(), vec![notification]).await.unwrap();
    drop(first);
    let second = SqliteNotificationRepository::new(open(dir.path()).await.unwrap());
    assert!(second.find(id, None).await.unwrap().is_some());
}
