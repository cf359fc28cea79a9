//! The crate against a real server, each test on a database of its own.

mod faults;
mod gate;
mod language;
mod messaging;
mod migrations;
mod plans;
mod prepared;
mod tls;

use diesel_async::AsyncPgConnection;
use kernel_application::{CallContext, TraceContext, messaging::OutboundMessage};
use kernel_domain::EventId;
use platform_testkit::servers;
use slog::{Discard, Logger, o};
use uuid::Uuid;

use crate::{Database, PgConfig, testing::TestDatabase};

const STORE: &str = "test store";

async fn empty() -> TestDatabase {
    TestDatabase::create(&servers::postgres().unwrap()).await.unwrap()
}

/// Not migrated yet.
fn open(config: &PgConfig) -> Database {
    Database::messaging(config, STORE, Logger::root(Discard, o!())).unwrap()
}

async fn fresh() -> (TestDatabase, Database) {
    let own = empty().await;
    let db = open(own.config());
    db.migrate().await.unwrap();
    (own, db)
}

fn context() -> CallContext {
    CallContext::new("test", TraceContext::start(Uuid::from_u128(1)))
}

fn message(n: u128) -> OutboundMessage {
    OutboundMessage {
        event_id: EventId::from_uuid(Uuid::from_u128(n)),
        topic: "things".into(),
        key: "a".into(),
        aggregate_version: 1,
        payload: vec![0, 1, 2],
        headers: vec![("traceparent".into(), "00-ab".into())],
    }
}

async fn one(connection: &mut AsyncPgConnection) -> diesel::QueryResult<i32> {
    use diesel_async::RunQueryDsl;

    diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1")).get_result(connection).await
}
