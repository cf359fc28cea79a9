//! Over 100,000 rows no query of relay and consumers reads a whole table.

use std::time::Duration;

use diesel::{pg::Pg, query_builder::QueryFragment};
use uuid::Uuid;

use super::fresh;
use crate::{Database, PgUuid, inbox, outbox, purge::purge, testing::Explain};

const ROWS: &str = "
    INSERT INTO outbox (event_id, topic, key, aggregate_version, payload, headers, published_at)
    SELECT gen_random_uuid(), 'things', 'a', n, '\\x00', '[]',
           CASE WHEN n <= 99000 THEN now() - n * interval '1 second' END
    FROM generate_series(1, 100000) AS n;
    INSERT INTO inbox
    SELECT 'c', gen_random_uuid(), now() - n * interval '1 second' FROM generate_series(1, 100000) AS n;
    ANALYZE";

async fn assert_indexed(db: &Database, of: &str, query: impl QueryFragment<Pg> + Send) {
    let plans = db.read("explain", async |connection| Explain(query).plans(connection).await).await.unwrap();
    for plan in plans {
        assert!(plan.contains("Index") && !plan.contains("Seq Scan"), "{of}: {plan}");
    }
}

#[tokio::test]
async fn no_query_reads_a_whole_table() {
    let (own, db) = fresh().await;
    own.prepare(ROWS).await.unwrap();
    let old = Duration::from_hours(24);
    assert_indexed(&db, "pending", outbox::pending(0, 500)).await;
    assert_indexed(&db, "pending, further on", outbox::pending(99_500, 500)).await;
    assert_indexed(&db, "stats", outbox::waiting()).await;
    assert_indexed(&db, "purge of the outbox", purge(outbox::PURGE, old)).await;
    assert_indexed(&db, "seen", inbox::seen("c", PgUuid(Uuid::from_u128(1)))).await;
    assert_indexed(&db, "purge of the inbox", purge(inbox::PURGE, old)).await;
    let all = Duration::ZERO;
    assert_indexed(&db, "purge where all of it is old", purge(outbox::PURGE, all)).await;
    assert_indexed(&db, "purge where all of it is old", purge(inbox::PURGE, all)).await;
}
