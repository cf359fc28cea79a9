//! What the schema itself refuses, and that it can be undone.

use notification_application::testing::{sample, sample_on};
use notification_domain::Channel;
use platform_postgres::testing::{left_behind, revert_all};

use super::{add, migrated};

#[tokio::test]
async fn no_statement_breaks_the_rules() {
    let (own, db) = migrated().await;
    add(&db, vec![sample(1, "ada"), sample_on(1, "ada", Channel::Email)]).await;
    let refused = [
        "status = 'lost'",
        "status = 'sent'",
        "status = 'sent', due_at = NULL",
        "due_at = NULL",
        "ended_at = now()",
        "status = 'failed', due_at = NULL, ended_at = now(), claim = id",
        "channel = 'fax'",
        "channel = 'in_app'",
        "amount_minor = -1",
        "attempts = -1",
        "version = 0",
        "currency = 'usd'",
        "user_id = ''",
        "seq = 1",
        "id = (SELECT id FROM notification WHERE channel = 'in_app')",
    ];
    for change in refused {
        let statement = format!("UPDATE notification SET {change} WHERE channel = 'email'");
        assert!(own.prepare(&statement).await.is_err(), "{change}");
    }
    let legal =
        "status = 'failed', due_at = NULL, ended_at = now(), read_at = now(), attempts = 3, version = 2";
    own.prepare(&format!("UPDATE notification SET {legal} WHERE channel = 'email'")).await.unwrap();
}

#[tokio::test]
async fn the_schema_can_be_undone_and_done_again() {
    let (_own, db) = migrated().await;
    add(&db, vec![sample(1, "ada")]).await;
    assert!(left_behind(&db).await.unwrap().contains("notification_turn"));
    revert_all(&db).await.unwrap();
    assert_eq!(left_behind(&db).await.unwrap(), "");
    db.migrate().await.unwrap();
    assert_eq!(add(&db, vec![sample(1, "ada")]).await, 1);
}
