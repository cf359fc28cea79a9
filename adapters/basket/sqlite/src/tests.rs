use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use basket_application::{
    ports::{BasketQueries, BasketRepository},
    testing::{StoreUnderTest, store_contract},
};
use diesel::{Connection, SqliteConnection};
use diesel_migrations::MigrationHarness;
use kernel_application::messaging::{Delivery, Inbox};
use kernel_domain::EventId;
use platform_sqlite::{Database, SqliteInbox};

use crate::{MIGRATIONS, SqliteBasketQueries, SqliteBasketRepository};

struct Store {
    db: Database,
    _folder: tempfile::TempDir,
}

impl Store {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open(&folder.path().join("basket.db"), "basket store", MIGRATIONS).await.unwrap();
        Self { db, _folder: folder }
    }
}

#[async_trait]
impl StoreUnderTest for Store {
    fn repository(&self) -> Arc<dyn BasketRepository> {
        Arc::new(SqliteBasketRepository::new(self.db.clone()))
    }

    fn queries(&self) -> Arc<dyn BasketQueries> {
        Arc::new(SqliteBasketQueries::new(self.db.clone()))
    }

    async fn delivery(&self, event: EventId) -> Delivery {
        let (consumer, topic) = ("basket", "basket-events");
        let inbox = SqliteInbox::new(self.db.clone());
        let held = inbox.take(consumer, topic, 0, "test", Duration::from_mins(1)).await.unwrap().unwrap();
        Delivery {
            consumer: consumer.to_owned(),
            topic: topic.to_owned(),
            partition: 0,
            epoch: held.epoch,
            expected: held.next_offset,
            next: held.next_offset + 1,
            event_id: Some(event),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_of_stores() {
    store_contract(Store::open).await;
}

#[test]
fn migrations_go_down_and_up_again() {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    connection.run_pending_migrations(MIGRATIONS).unwrap();
    connection.revert_all_migrations(MIGRATIONS).unwrap();
    connection.run_pending_migrations(MIGRATIONS).unwrap();
}
