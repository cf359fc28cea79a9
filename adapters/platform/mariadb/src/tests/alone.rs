//! One statement that is a transaction by itself.

use diesel::sql_query;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use kernel_application::{messaging::Delivery, testing::context};

use super::{ask, counters, database};
use crate::{
    Database, MariaDbConfig,
    testing::{session_status, silent},
};

async fn add(connection: &mut AsyncMysqlConnection) -> diesel::QueryResult<usize> {
    sql_query("UPDATE counter SET n = n + 1 WHERE id = 1").execute(connection).await
}

#[tokio::test]
async fn it_is_done_without_begin_and_commit() {
    let home = database().await;
    let config = MariaDbConfig { pool_size: 1, ..home.config().clone() };
    let db = Database::messaging(&config, "test store", silent()).unwrap();
    db.migrate().await.unwrap();
    counters(&db).await;
    let begun = session_status(&db, "Com_begin").await;
    assert_eq!(db.write_alone(&context(), "add", add).await.unwrap(), Some(1));
    assert_eq!(session_status(&db, "Com_begin").await, begun);
    assert_eq!(ask(&db, "SELECT n FROM counter WHERE id = 1").await, "1");
}

#[tokio::test]
async fn it_is_not_done_where_a_delivery_has_to_be_settled_with_it() {
    let home = database().await;
    let db = home.messaging().await;
    counters(&db).await;
    let delivery = Delivery {
        consumer: "consumer".into(),
        topic: "things".into(),
        partition: 0,
        epoch: 1,
        expected: 0,
        next: 1,
        event_id: None,
    };
    let ctx = context().with_delivery(delivery);
    assert_eq!(db.write_alone(&ctx, "add", add).await.unwrap(), None);
    assert_eq!(ask(&db, "SELECT n FROM counter WHERE id = 1").await, "0");
}
