//! Every query that a client can cause, over 100,000 payments: none reads a whole table or a whole index.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeDelta};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl, SimpleAsyncConnection};
use kernel_application::{Clock, testing::ManualClock};
use kernel_domain::{PaymentId, UserId};
use payment_application::{PaymentFilter, testing::user};
use payment_domain::PaymentStatus;
use platform_mariadb::{
    datetime,
    testing::{Access, explain},
};

use super::Home;
use crate::{
    figures,
    statements::{self, List},
};

/// 100,000 payments of 1,000 users with a line each, most of them completed, some with a refund; as many callbacks.
const LOAD: &str = "
    SET STATEMENT max_recursive_iterations = 1000000 FOR
    CREATE TABLE numbers (n INT PRIMARY KEY) AS
        WITH RECURSIVE seq AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM seq WHERE n < 100000) SELECT n FROM seq;
    CREATE FUNCTION status_of(n INT) RETURNS VARCHAR(32) DETERMINISTIC RETURN CASE n MOD 100
        WHEN 0 THEN 'pending' WHEN 1 THEN 'processing' WHEN 2 THEN 'failed' WHEN 3 THEN 'cancelled'
        WHEN 4 THEN 'expired' WHEN 5 THEN 'partially_refunded' WHEN 6 THEN 'refunded' ELSE 'completed' END;
    CREATE FUNCTION id_of(n INT) RETURNS CHAR(36) DETERMINISTIC
        RETURN CONCAT(LPAD(LOWER(HEX(n)), 8, '0'), '-0000-7000-8000-000000000000');
    INSERT INTO payments (id, user_id, basket_id, basket_version, amount, refunded, currency, status, method, metadata,
            step, due_at, created_at, updated_at, expires_at, version)
        SELECT id_of(n), CONCAT('user', n MOD 1000), id_of(n), 1, 3000, IF(n MOD 100 IN (5, 6), 100, 0), 'USD',
            status_of(n), 'paypal', '{}', IF(n MOD 100 = 1, 'submitted', NULL),
            IF(n MOD 100 < 2, '2026-01-01' + INTERVAL n SECOND, NULL), NOW(6), NOW(6), NOW(6), 1
        FROM numbers;
    INSERT INTO payment_items SELECT id_of(n), 0, 1, 'thing', 1000, 3, 'things' FROM numbers;
    INSERT INTO refunds SELECT id_of(n), 0, id_of(n), 100, NULL, NULL, 'done', 0, NOW(6), NOW(6)
        FROM numbers WHERE n MOD 100 IN (5, 6);
    INSERT INTO provider_callbacks SELECT id_of(n), '2026-01-01' + INTERVAL n SECOND FROM numbers;
    INSERT INTO payment_figures
        SELECT status, CONV(RIGHT(LEFT(id, 8), 1), 16, 10), COUNT(*), SUM(amount), SUM(refunded)
        FROM payments GROUP BY 1, 2;
    ANALYZE TABLE payments, payment_items, refunds, provider_callbacks, payment_figures";

const PAGE: u32 = 101;

/// What may be read of one table: a page, and a little more where two indexes would do and the server takes the longer way.
const MOST: f64 = 3.0 * PAGE as f64;

/// 8 statuses in 16 rows each.
const FIGURES: f64 = 8.0 * 16.0;

type Plans = BTreeMap<String, Vec<Access>>;

fn id_of(n: u32) -> String {
    format!("{n:08x}-0000-7000-8000-000000000000")
}

/// When all that waits is due.
fn now() -> NaiveDateTime {
    datetime(ManualClock::default().now() + TimeDelta::seconds(100_000))
}

async fn lists(connection: &mut AsyncMysqlConnection, plans: &mut Plans) {
    let statuses = [None, Some(PaymentStatus::Completed), Some(PaymentStatus::Pending)];
    for status in statuses {
        for user_id in [None, Some(user("user7"))] {
            for after in [
                None,
                Some(PaymentId::parse(&id_of(50_000)).unwrap()),
                Some(PaymentId::parse(&id_of(100)).unwrap()),
            ] {
                let name = format!("list {status:?} {:?} {after:?}", user_id.as_ref().map(UserId::as_str));
                let filter = PaymentFilter { status, user_id: user_id.clone() };
                let plan = explain(connection, List::new(&filter, after, PAGE.into())).await;
                plans.insert(name, plan);
            }
        }
    }
}

async fn others(connection: &mut AsyncMysqlConnection, plans: &mut Plans) {
    let id = id_of(5);
    let page: Vec<_> = (1..=100).map(id_of).collect();
    let mut note = |name: &str, plan| _ = plans.insert(name.to_owned(), plan);
    note("find", explain(connection, statements::whole(&id)).await);
    note("find a user's", explain(connection, statements::whole_of(&id, "user5")).await);
    note("get", explain(connection, statements::payment_with_items(&id)).await);
    note("get a user's", explain(connection, statements::payment_with_items_of(&id, "user5")).await);
    note("version check", explain(connection, statements::stored(&id, 1)).await);
    let page = page.iter().map(String::as_str).collect();
    note("lines of a page", explain(connection, statements::items_of_all(page)).await);
    note("due", explain(connection, statements::due(now(), PAGE.into())).await);
    note("callback", explain(connection, statements::callback(&id)).await);
    let old = diesel::delete(statements::old_callbacks(now() - TimeDelta::seconds(99_990)));
    note("old callbacks", explain(connection, old).await);
}

#[tokio::test]
async fn no_query_reads_everything() {
    let home = Home::new().await;
    let mut connection = home.database.connection().await;
    connection.batch_execute(LOAD).await.unwrap();
    let mut plans = Plans::new();
    lists(&mut connection, &mut plans).await;
    others(&mut connection, &mut plans).await;
    for (name, access) in plans.iter().flat_map(|(name, all)| all.iter().map(move |access| (name, access))) {
        assert_ne!(access.kind, "ALL", "{name} reads a whole table: {access:?}");
        // Which also holds for an index that is read in its order, as far as the page goes.
        assert!(access.read <= MOST, "{name} reads too much: {access:?}");
        assert!(access.key.is_some(), "{name} uses no index: {access:?}");
    }
    for name in ["find", "get"] {
        let [rest @ .., owner] = &plans[&format!("{name} a user's")][..] else { panic!("{plans:?}") };
        assert_eq!(rest, plans[name], "{name} reads the same for a user as for anybody");
        let look = (owner.table.as_str(), owner.kind.as_str(), owner.key.as_deref());
        assert_eq!(look, ("owned", "const", Some("PRIMARY")), "{name} looks by the key whose it is");
    }
    let lists = plans.iter().filter(|(name, _)| name.starts_with("list"));
    let full =
        lists.filter(|(_, plan)| plan.iter().any(|access| access.read >= f64::from(PAGE) - 2.0)).count();
    assert!(full >= 8, "there is enough to be read wrong: {plans:?}");
    // The one table that is read as a whole has a few rows for each status, however many payments there are.
    let figures = explain(&mut connection, figures::shares()).await;
    assert!(
        figures.iter().all(|access| access.table == "payment_figures" && access.read <= FIGURES),
        "{figures:?}"
    );
}

/// The test above can fail: without its index, a query reads everything.
#[tokio::test]
async fn a_missing_index_is_noticed() {
    let home = Home::new().await;
    let mut connection = home.database.connection().await;
    connection.batch_execute(LOAD).await.unwrap();
    diesel::sql_query("DROP INDEX payments_due ON payments").execute(&mut connection).await.unwrap();
    let plan = explain(&mut connection, statements::due(now(), PAGE.into())).await;
    assert!(plan.iter().any(|access| access.kind == "ALL" && access.read > 10.0 * MOST), "{plan:?}");
}
