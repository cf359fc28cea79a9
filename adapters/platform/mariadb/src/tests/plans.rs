//! The relay's poll costs what waits, not what was ever published.

use diesel_async::SimpleAsyncConnection;

use super::database;
use crate::{outbox::waiting_after, testing::explain};

/// 20,000 messages, all but the last 50 published.
const LOAD: &str = "
    INSERT INTO outbox (event_id, topic, `key`, aggregate_version, payload, headers, published_at)
        WITH RECURSIVE seq AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM seq WHERE n < 20000)
        SELECT n, 't', 'k', 1, '', '[]', IF(n > 19950, NULL, NOW(6)) FROM seq;
    ANALYZE TABLE outbox";

#[tokio::test]
async fn the_outbox_is_read_from_where_something_waits() {
    let home = database().await;
    home.messaging().await;
    let mut connection = home.connection().await;
    connection.batch_execute("SET max_recursive_iterations = 100000").await.unwrap();
    connection.batch_execute(LOAD).await.unwrap();
    for (after, waiting) in [(0, 50.0), (10, 50.0), (19_990, 10.0), (1_000_000, 0.0)] {
        let plan = explain(&mut connection, waiting_after(after, 500)).await;
        let [access] = plan.as_slice() else { panic!("one table: {plan:?}") };
        assert!(access.key.is_some() && access.read <= waiting + 1.0, "after {after}: {access:?}");
    }
}
