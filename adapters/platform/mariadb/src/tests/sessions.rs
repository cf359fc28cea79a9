//! What every connection is like, and what is said of one that cannot be had.

use kernel_application::{HealthCheck, testing::context};
use platform_runtime::Secret;

use super::{ask, counters, database};
use crate::{Database, MariaDbConfig, MariaDbHealth, Tx, testing::silent};

#[tokio::test]
async fn sessions_have_the_settings_the_code_relies_on() {
    let home = database().await;
    let mut config = home.config().clone();
    config.statement_timeout = std::time::Duration::from_millis(12_500);
    let db = Database::messaging(&config, "test store", silent()).unwrap();
    db.migrate().await.unwrap();
    for (variable, value) in [
        ("time_zone", "+00:00"),
        ("tx_isolation", "READ-COMMITTED"),
        ("character_set_client", "utf8mb4"),
        ("character_set_connection", "utf8mb4"),
        ("lc_messages", "en_US"),
        ("max_statement_time", "12.500000"),
        ("idle_transaction_timeout", "13"),
        ("innodb_lock_wait_timeout", "20"),
        ("lock_wait_timeout", "20"),
        ("autocommit", "ON"),
    ] {
        assert_eq!(ask(&db, &format!("SELECT @@SESSION.{variable}")).await, value, "{variable}");
    }
    let mode = ask(&db, "SELECT @@SESSION.sql_mode").await;
    assert!(mode.contains("STRICT_ALL_TABLES") && mode.contains("NO_ENGINE_SUBSTITUTION"), "{mode}");
}

#[tokio::test]
async fn an_update_that_changes_nothing_has_found_its_row() {
    use diesel_async::RunQueryDsl;
    let home = database().await;
    let db = home.messaging().await;
    counters(&db).await;
    let same = async |tx: &mut Tx| {
        Ok(diesel::sql_query("UPDATE counter SET n = n WHERE id = 1").execute(tx.conn()).await?)
    };
    assert_eq!(db.write(&context(), "write", same).await.unwrap(), 1);
}

#[tokio::test]
async fn a_broken_rule_is_named() {
    let home = database().await;
    let db = home.messaging().await;
    counters(&db).await;
    let again = async |tx: &mut Tx| {
        let error = super::run(tx, "INSERT INTO counter VALUES (1, 1)").await.unwrap_err();
        assert!(error.is_duplicate());
        assert_eq!(error.broken_rule(), Some("PRIMARY"));
        super::add(tx, 1).await
    };
    db.write(&context(), "write", again).await.unwrap();
    assert_eq!(ask(&db, "SELECT n FROM counter WHERE id = 1").await, "1", "the transaction went on");
}

#[tokio::test]
async fn what_is_wrong_is_told_without_secrets() {
    let home = database().await;
    let config = |change: &dyn Fn(&mut MariaDbConfig)| {
        let mut config = MariaDbConfig { password: Secret::new("hunter2"), ..home.config().clone() };
        change(&mut config);
        config
    };
    let good = home.config().password.clone();
    for (config, words) in [
        (config(&|_| {}), "check DB_USER and DB_PASSWORD"),
        (
            config(&|config| {
                config.password = good.clone();
                config.name = "nowhere".into();
            }),
            "has no database nowhere",
        ),
        (config(&|config| config.port = 1), "cannot be reached"),
    ] {
        let db = Database::messaging(&config, "test store", silent()).unwrap();
        db.migrate().await.unwrap_err();
        let said = MariaDbHealth::new("test-store", db).check().await.unwrap_err();
        assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
    }
}
