//! The store on a real server: each test has a database of its own.

mod contract;
mod feed;
mod plans;
mod prepared;
mod replicas;
mod schema;

use kernel_application::testing::context;
use notification_application::NotificationRepository;
use notification_domain::Notification;
use platform_postgres::{Database, testing::TestDatabase};
use platform_testkit::servers;
use slog::{Discard, Logger, o};

use crate::PgNotificationRepository;

/// A database with the schema in it.
async fn migrated() -> (TestDatabase, Database) {
    let own = TestDatabase::create(&servers::postgres().unwrap()).await.unwrap();
    let db = connected(&own).await;
    (own, db)
}

/// One more replica's connections.
async fn connected(own: &TestDatabase) -> Database {
    let db = crate::database(own.config(), Logger::root(Discard, o!())).unwrap();
    db.migrate().await.unwrap();
    db
}

async fn add(db: &Database, new: Vec<Notification>) -> usize {
    PgNotificationRepository::new(db.clone()).add_all(&context(), new).await.unwrap()
}
