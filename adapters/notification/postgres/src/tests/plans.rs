//! How the server runs each query once there is something to search.
//!
//! A query is planned twice: with its parameters, and without, as the server may do for a statement that a connection
//! runs often. Neither may read the table from end to end; with parameters it takes the rows of a page from the index
//! that was made for it, in their order. Where an index finds less than a page, sorting that is as good.

use std::iter;

use diesel::{pg::Pg, query_builder::QueryFragment};
use kernel_application::PageRequest;
use notification_application::{
    Channel, NotificationFilter,
    testing::{at, sample, user_id},
};
use notification_domain::NotificationId;
use platform_postgres::{Database, PgUuid, testing::Explain};
use serde_json::Value;
use uuid::Uuid;

use super::migrated;
use crate::{feed, queries, repository, row::Progress};

/// 100,000 notifications of 33,000 events, one in a hundred of them ada's. Slack was switched off early, one in a
/// hundred is unread, and as many wait to be sent. They take no turns: that would be a lock for each of a thousand
/// users at once, out of what the server has for all its databases.
const MANY: &str = "
    ALTER TABLE notification DISABLE TRIGGER notification_turn;
    INSERT INTO notification (id, event_id, event_type, user_id, payment_id, channel, amount_minor, currency, subject,
        body, status, attempts, due_at, ended_at, read_at, created_at, version)
    SELECT md5('n' || n)::uuid, md5('e' || event)::uuid, 'payment.completed.v1',
        CASE WHEN event % 100 = 0 THEN 'ada' ELSE 'user-' || event % 1000 END, md5('p' || event)::uuid, channel, 12990,
        'USD', 'Payment completed', repeat('x', 200), CASE WHEN waits THEN 'pending' ELSE 'sent' END, 1,
        CASE WHEN waits THEN at END, CASE WHEN NOT waits THEN at END, CASE WHEN n % 100 > 0 THEN at END, at, 1
    FROM generate_series(0, 131999) AS n,
        LATERAL (SELECT n / 4 AS event, (ARRAY['in_app', 'email', 'slack', 'webhook'])[n % 4 + 1] AS channel,
            n % 4 > 0 AND n % 101 = 0 AS waits, timestamptz '2026-01-01' + n * interval '1 s' AS at) AS row
    WHERE channel <> 'slack' OR n < 4000;
    ALTER TABLE notification ENABLE TRIGGER notification_turn;
    ANALYZE notification";

#[tokio::test]
async fn every_query_has_an_index() {
    let (own, db) = migrated().await;
    own.prepare(MANY).await.unwrap();
    let id = Uuid::from_u128(7);
    expect(&db, "get", queries::by_id(NotificationId::from_uuid(id)), "notification_id_key").await;
    let own_one = queries::by_id_of(NotificationId::from_uuid(id), "ada");
    expect(&db, "get of a user", own_one, "notification_id_key").await;
    let save = diesel::update(repository::current(PgUuid(id), 1)).set(Progress::of(&sample(1, "ada")));
    expect(&db, "save", save, "notification_id_key").await;
    expect(&db, "due", repository::due("email", at(9_999_999), 64), "notification_due").await;
    expect(&db, "end of feed", feed::last("ada"), "notification_user").await;
    expect(&db, "feed", feed::after("ada", 50_000, 100), "notification_user").await;
}

#[tokio::test]
async fn every_list_has_an_index() {
    let (own, db) = migrated().await;
    own.prepare(MANY).await.unwrap();
    let (ada, slack) = (Some(user_id("ada")), Some(Channel::Slack));
    let cases = [
        (None, None, false, "notification_pkey"),
        (None, None, true, "notification_unread"),
        (None, slack, false, "notification_channel"),
        (None, slack, true, "notification_unread"),
        (ada.clone(), None, false, "notification_user"),
        (ada.clone(), None, true, "notification_user_unread"),
        (ada.clone(), slack, false, "notification_user"),
        (ada, slack, true, "notification_user_unread"),
    ];
    for (user_id, channel, unread, index) in cases {
        let filter = NotificationFilter { user_id, channel, unread };
        for before in [i64::MAX, 50_000] {
            let name = format!("{filter:?} before {before}");
            expect(&db, &name, queries::newest(&filter, before, 21), index).await;
        }
    }
}

async fn expect<Q: QueryFragment<Pg> + Send>(db: &Database, name: &str, query: Q, index: &str) {
    let plans = db.read("plan", async |connection| Explain(query).plans(connection).await).await.unwrap();
    let [plan, general] = plans.map(|plan| root(&plan));
    let used: Vec<_> = steps(&plan).into_iter().filter_map(|step| step["Index Name"].as_str()).collect();
    assert_eq!(used, [index], "{name}: {plan:#}");
    let sorts = steps(&plan).into_iter().filter(|step| is(step, "Sort"));
    let sorted = sorts.filter_map(|step| step["Plan Rows"].as_u64()).max().unwrap_or(0);
    assert!(sorted <= PageRequest::MAX_LIMIT.into(), "{name}: {plan:#}");
    for plan in [plan, general] {
        assert!(!steps(&plan).into_iter().any(|step| is(step, "Seq Scan")), "{name}: {plan:#}");
    }
}

/// The last step of a plan, with those before it below.
fn root(plan: &str) -> Value {
    serde_json::from_str::<Value>(plan).unwrap()[0]["Plan"].take()
}

fn steps(root: &Value) -> Vec<&Value> {
    let below = root["Plans"].as_array().into_iter().flatten();
    iter::once(root).chain(below.flat_map(steps)).collect()
}

fn is(step: &Value, kind: &str) -> bool {
    step["Node Type"].as_str().unwrap().contains(kind)
}
