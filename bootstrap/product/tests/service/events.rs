//! Events out of the embedded log.

use std::path::Path;

use kernel_application::messaging::{EventLog, OutboundMessage};
use kernel_domain::{EventId, Timestamp};
use platform_events::dead_letters;
use platform_messaging::{CloudEvent, topics};
use platform_sqlite::SqliteEventLog;
use platform_telemetry::silent;
use platform_testkit::{PATIENCE, data_dir, eventually};
use product_service::jobs;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    grpc::reserve,
    support::{Service, config},
};

fn message(id: u128, topic: &str, kind: &str, data: Value) -> OutboundMessage {
    let id = EventId::from_uuid(Uuid::from_u128(id));
    let event = CloudEvent {
        id,
        kind: kind.to_owned(),
        source: "/payment".to_owned(),
        subject: "1".to_owned(),
        time: Timestamp::UNIX_EPOCH,
        trace: None,
        data,
    };
    OutboundMessage {
        event_id: id,
        topic: topic.to_owned(),
        key: "1".to_owned(),
        aggregate_version: 1,
        payload: event.encode(),
        headers: Vec::new(),
    }
}

fn moved(id: u128, operation: &str, payment: u128, quantity: i64) -> OutboundMessage {
    let data = json!({
        "product_id": 1, "quantity": quantity, "operation": operation, "reason": "test",
        "payment_id": Uuid::from_u128(payment).to_string()
    });
    message(id, topics::STOCK_EVENTS, "stock.updated.v1", data)
}

fn paid(id: u128, payment: u128) -> OutboundMessage {
    let item = json!({"product_id": 1, "name": "Lamp", "price": "129.90", "quantity": 2});
    let data =
        json!({"payment_id": Uuid::from_u128(payment).to_string(), "currency": "USD", "items": [item]});
    message(id, topics::PAYMENT_EVENTS, "payment.completed.v1", data)
}

async fn log(folder: &Path) -> SqliteEventLog {
    SqliteEventLog::open(&folder.join("events.db"), &topics::ALL).await.unwrap()
}

async fn publish(folder: &Path, messages: &[OutboundMessage]) {
    let log = log(folder).await;
    let topic = &messages[0].topic;
    let partition = log.partition_of(topic, "1").await.unwrap();
    log.append(topic, partition, messages).await.unwrap();
}

async fn until_stock(service: &Service, expected: (i64, i64)) {
    let probe = || async { (service.stock(1).await == expected).then_some(()) };
    eventually(PATIENCE, probe).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_applied_once_and_poison_is_put_aside() {
    let folder = data_dir().unwrap();
    let service = Service::ready(folder.path()).await;
    service.lamp(5).await;
    service.grpc().await.reserve_stock(reserve(1, 1, 2)).await.unwrap();

    let sold = moved(1, "decrease", 1, 2);
    let unreserved = moved(2, "decrease", 9, 1);
    let unknown = message(3, topics::STOCK_EVENTS, "stock.counted.v1", json!({}));
    let returned = moved(4, "increase", 1, 1);
    publish(folder.path(), &[sold.clone(), sold, unreserved, unknown, returned]).await;
    until_stock(&service, (4, 4)).await;
    let dead = eventually(PATIENCE, || dead_letter(folder.path())).await.unwrap();
    assert!(dead.starts_with("not_reserved: payment 00000000-0000-0000-0000-000000000009"), "{dead}");
    replay_puts_it_aside_again(folder.path()).await;
    service.stop().await;

    // A new owner of the partition starts where the last one stopped.
    let service = Service::ready(folder.path()).await;
    publish(folder.path(), &[moved(5, "increase", 1, 1)]).await;
    until_stock(&service, (5, 5)).await;
    service.stop().await;
}

/// What the binary's flags do, beside the service that runs. Nothing was mended, so the record is refused once more.
async fn replay_puts_it_aside_again(folder: &Path) {
    let letters = jobs::dead_letters(config(folder), silent()).await.unwrap();
    let listed = dead_letters::list(&letters, None).await.unwrap();
    assert!(listed.starts_with("1 dead letter(s)") && listed.contains("not_reserved"), "{listed}");
    let sent = dead_letters::replay(&letters, Some(topics::STOCK_EVENTS)).await.unwrap();
    assert!(sent.starts_with("1 dead letter(s) of consumer product sent once more"), "{sent}");
    let parked = || async { (reasons(folder).await.len() == 2).then_some(()) };
    eventually(PATIENCE, parked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn completed_payments_count_as_sales_and_move_nothing() {
    let folder = data_dir().unwrap();
    let service = Service::ready(folder.path()).await;
    service.lamp(5).await;
    publish(folder.path(), &[paid(1, 1), paid(1, 1), paid(2, 2)]).await;
    let sold = || async {
        let stats = service.get("/products/stats").await.body;
        (stats["units_sold"] == json!(4)).then_some(stats)
    };
    let stats = eventually(PATIENCE, sold).await.unwrap();
    assert_eq!((&stats["revenue"], &stats["stock_quantity"]), (&json!("519.60"), &json!(5)));
    service.stop().await;
}

async fn dead_letter(folder: &Path) -> Option<String> {
    reasons(folder).await.into_iter().next()
}

/// The reasons of what was put aside.
async fn reasons(folder: &Path) -> Vec<String> {
    let topic = topics::dead_letters_of(topics::STOCK_EVENTS);
    let records = log(folder).await.fetch(&topic, 0, 0, 10, std::time::Duration::ZERO).await.unwrap();
    let headers = records.into_iter().flat_map(|record| record.headers);
    headers.filter(|(name, _)| name == "dlq-reason").map(|(_, reason)| reason).collect()
}
