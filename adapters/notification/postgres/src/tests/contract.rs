//! The store against the contract of its ports.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel_application::messaging::{Delivery, Inbox};
use kernel_domain::EventId;
use notification_application::{
    NotificationFeed, NotificationQueries, NotificationRepository,
    testing::{
        contract::{self, Stores},
        sample,
    },
};
use platform_postgres::{Database, PgInbox, testing::TestDatabase};

use super::{add, connected, migrated};
use crate::{PgNotificationFeed, PgNotificationQueries, PgNotificationRepository};

struct Postgres {
    db: Database,
    _own: TestDatabase,
}

#[async_trait]
impl Stores for Postgres {
    fn repository(&self) -> Arc<dyn NotificationRepository> {
        Arc::new(PgNotificationRepository::new(self.db.clone()))
    }

    fn queries(&self) -> Arc<dyn NotificationQueries> {
        Arc::new(PgNotificationQueries::new(self.db.clone()))
    }

    fn feed(&self) -> Arc<dyn NotificationFeed> {
        Arc::new(PgNotificationFeed::new(self.db.clone()))
    }

    async fn delivery(&self, event: EventId) -> Delivery {
        let inbox = PgInbox::new(self.db.clone());
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
        let (own, db) = migrated().await;
        Postgres { db, _own: own }
    })
    .await;
}

#[tokio::test]
async fn data_survives_a_restart() {
    let (own, db) = migrated().await;
    let notification = sample(1, "ada");
    let id = notification.snapshot().id;
    add(&db, vec![notification]).await;
    drop(db);
    let second = PgNotificationRepository::new(connected(&own).await);
    assert!(second.find(id, None).await.unwrap().is_some());
}
