//! Against a real server, each test in a database of its own.

mod alone;
mod contract;
mod gate;
mod limits;
mod migrations;
mod outages;
mod plans;
mod prepared;
mod sessions;
mod tls;

use diesel::sql_query;
use diesel_async::RunQueryDsl;
use kernel_application::messaging::OutboundMessage;
use kernel_domain::EventId;
use platform_testkit::servers;
use uuid::Uuid;

use crate::{Database, Tx, WriteError, testing::TestDatabase};

async fn database() -> TestDatabase {
    TestDatabase::create(&servers::mariadb().unwrap()).await
}

fn message() -> OutboundMessage {
    OutboundMessage {
        event_id: EventId::from_uuid(Uuid::now_v7()),
        topic: "effects".into(),
        key: "a".into(),
        aggregate_version: 1,
        payload: vec![],
        headers: vec![],
    }
}

/// A table of counters with two rows.
async fn counters(db: &Database) {
    let make = async |tx: &mut Tx| {
        run(tx, "CREATE TABLE counter (id INT PRIMARY KEY, n INT NOT NULL)").await?;
        run(tx, "INSERT INTO counter VALUES (1, 0), (2, 0)").await
    };
    db.transact("make counters", make).await.unwrap();
}

async fn add(tx: &mut Tx, counter: i32) -> Result<(), WriteError> {
    run(tx, &format!("UPDATE counter SET n = n + 1 WHERE id = {counter}")).await
}

async fn run(tx: &mut Tx, statement: &str) -> Result<(), WriteError> {
    sql_query(statement).execute(tx.conn()).await?;
    Ok(())
}

/// What a statement of one column and one row says.
async fn ask(db: &Database, question: &str) -> String {
    #[derive(diesel::QueryableByName)]
    struct Answer {
        #[diesel(sql_type = diesel::sql_types::Text)]
        answer: String,
    }
    let question = format!("SELECT CONVERT(({question}), CHAR) AS answer");
    let ask = async |connection: &mut diesel_async::AsyncMysqlConnection| {
        sql_query(question.as_str()).get_result::<Answer>(connection).await
    };
    db.read("ask", ask).await.unwrap().answer
}
