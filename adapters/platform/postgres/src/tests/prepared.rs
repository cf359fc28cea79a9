//! What a connection keeps prepared.

use diesel::{dsl::sql, prelude::*, sql_types::BigInt};
use diesel_async::RunQueryDsl;

use super::{empty, open};
use crate::{PgConfig, Prepared, schema::relay_lease as lease};

#[tokio::test]
async fn an_update_is_prepared_once() {
    let own = empty().await;
    let db = open(&PgConfig { pool_size: 1, ..own.config().clone() });
    db.migrate().await.unwrap();
    for owner in ["a", "b"] {
        db.transact("update", async |tx| {
            let update = diesel::update(lease::table.find(0)).set(lease::owner.eq(owner));
            Prepared(update).execute(tx.conn()).await?;
            Ok(())
        })
        .await
        .unwrap();
    }
    let kept = "(SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'UPDATE \"relay_lease\"%')";
    let used = "(SELECT sum(generic_plans + custom_plans)::bigint FROM pg_prepared_statements \
                WHERE statement LIKE 'UPDATE \"relay_lease\"%')";
    let count = async |connection: &mut _| {
        let counts = (sql::<BigInt>(kept), sql::<BigInt>(used));
        diesel::select(counts).get_result::<(i64, i64)>(connection).await
    };
    assert_eq!(db.read("count", count).await.unwrap(), (1, 2));
}
