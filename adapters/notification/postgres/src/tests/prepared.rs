//! What is written again and again is prepared once per connection.

use diesel::{dsl::sql, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use kernel_application::testing::context;
use notification_application::{
    Channel, NotificationRepository,
    testing::{at, sample_on},
};
use platform_postgres::{Database, PgConfig};
use slog::{Discard, Logger, o};

use super::{add, migrated};
use crate::PgNotificationRepository;

async fn add_and_read(db: &Database, n: u128) {
    let [told, sent] = [Channel::InApp, Channel::Email].map(|channel| sample_on(n, "ada", channel));
    let id = told.snapshot().id;
    assert_eq!(add(db, vec![told, sent]).await, 2);
    let repository = PgNotificationRepository::new(db.clone());
    let mut told = repository.find(id, None).await.unwrap().unwrap();
    assert!(told.mark_read(at(1)));
    repository.save(&context(), &mut told).await.unwrap();
}

/// How many statements that begin so the connection has prepared, and how often it ran them. What is not kept is gone
/// after its first run.
async fn kept(db: &Database, beginning: &str) -> (i64, i64) {
    let of = format!("FROM pg_prepared_statements WHERE statement LIKE '{beginning}%'");
    let count = sql::<BigInt>(&format!("(SELECT count(*) {of})"));
    let runs =
        sql::<BigInt>(&format!("(SELECT coalesce(sum(generic_plans + custom_plans), 0)::bigint {of})"));
    db.read("count", async |connection| diesel::select((count, runs)).get_result(connection).await)
        .await
        .unwrap()
}

#[tokio::test]
async fn writes_are_prepared_once() {
    let (own, _) = migrated().await;
    let config = PgConfig { pool_size: 1, ..own.config().clone() };
    let db = crate::database(&config, Logger::root(Discard, o!())).unwrap();
    db.migrate().await.unwrap();
    for n in 1..=3 {
        add_and_read(&db, n).await;
    }
    for write in [r#"INSERT INTO "notification""#, r#"UPDATE "notification""#] {
        assert_eq!(kept(&db, write).await, (1, 3), "{write}");
    }
}
