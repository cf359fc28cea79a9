use kernel_application::messaging::EventLog;
use platform_messaging::{CloudEvent, topics};
use platform_sqlite::SqliteEventLog;
use platform_testkit::{PATIENCE, eventually};
use serde_json::json;

use crate::support::{Service, completed, event};

#[tokio::test]
async fn an_event_that_comes_twice_is_told_once() {
    let service = Service::start(&[]).await;
    service.append(&completed(1, "ada"), 2).await;
    // The key's events are handled in order: once this one is told, the repeated one has been handled.
    let last = event(2, "payment.refunded.v1", &json!({"refund_amount": "29.90", "remaining": "100.00"}));
    service.append(&CloudEvent { subject: completed(1, "ada").subject, ..last }, 1).await;
    let told = service.notifications("ada", 2).await;
    let subjects: Vec<_> = told.iter().map(|item| item["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["Refund: 29.90 USD", "Payment completed: 129.90 USD"]);
    assert!(told[1]["body"].as_str().unwrap().contains("2 × Keyboard: 129.90 USD"));
    assert_eq!((&told[0]["channel"], &told[0]["status"]), (&json!("in_app"), &json!("sent")));
    service.stop().await;
}

#[tokio::test]
async fn each_type_has_its_words() {
    let service = Service::start(&[]).await;
    let failed =
        json!({"user_id": "bob", "failure_code": "card_declined", "reason": "the card was declined"});
    service.append(&event(1, "payment.failed.v1", &failed), 1).await;
    let told = service.notifications("bob", 1).await;
    assert!(told[0]["body"].as_str().unwrap().contains("the card was declined (card_declined)"));
    assert_eq!(told[0]["event_type"], "payment.failed.v1");
    service.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_goes_to_the_dead_letters() {
    let service = Service::start(&[]).await;
    service.append(&event(1, "payment.completed.v1", &json!({"amount": 129.9})), 1).await;
    service.append(&event(2, "payment.unheard_of.v1", &json!({})), 1).await;
    service.append(&completed(3, "ada"), 1).await;
    assert_eq!(service.notifications("ada", 1).await.len(), 1);
    let log = SqliteEventLog::open(&service.dir.path().join("events.db"), &topics::ALL).await.unwrap();
    let dead = topics::dead_letters_of(topics::PAYMENT_EVENTS);
    let probe = || async { Some(log.bounds(&dead, 0).await.unwrap()).filter(|bounds| bounds.end == 1) };
    eventually(PATIENCE, probe).await.unwrap();
    service.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_what_was_told_and_goes_on_where_it_was() {
    let service = Service::start(&[]).await;
    service.append(&completed(1, "ada"), 1).await;
    let before = service.notifications("ada", 1).await;
    let service = Service::start_in(service.stop().await, &[]).await;
    service.append(&completed(2, "ada"), 1).await;
    let after = service.notifications("ada", 2).await;
    assert_eq!((after.len(), &after[1]), (2, &before[0]));
    service.stop().await;
}
