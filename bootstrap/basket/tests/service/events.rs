//! `basket.cleared.v1` out of the embedded log.

use std::path::Path;

use kernel_application::messaging::{EventLog, OutboundMessage};
use kernel_domain::{EventId, Timestamp};
use platform_messaging::{CloudEvent, topics};
use platform_sqlite::SqliteEventLog;
use platform_testkit::{PATIENCE, data_dir, eventually};
use serde_json::{Value, json};

use crate::support::{Products, Service};

const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER_PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

fn event_id(number: u8) -> EventId {
    EventId::parse(&format!("01890a5d-ac96-774b-bcce-b302099a80{number:02x}")).unwrap()
}

fn cleared(id: EventId, basket: &Value, payment: &str, product: i64, quantity: i64) -> OutboundMessage {
    let data = json!({
        "user_id": basket["user_id"], "basket_id": basket["id"], "basket_version": basket["version"],
        "payment_id": payment, "lines": [{"product_id": product, "quantity": quantity}],
    });
    message(id, "basket.cleared.v1", data)
}

fn message(id: EventId, kind: &str, data: Value) -> OutboundMessage {
    let event = CloudEvent {
        id,
        kind: kind.to_owned(),
        source: "/payment".to_owned(),
        subject: "ada".to_owned(),
        time: Timestamp::UNIX_EPOCH,
        trace: None,
        data,
    };
    OutboundMessage {
        event_id: id,
        topic: topics::BASKET_EVENTS.to_owned(),
        key: "ada".to_owned(),
        aggregate_version: 1,
        payload: event.encode(),
        headers: Vec::new(),
    }
}

async fn publish(folder: &Path, messages: &[OutboundMessage]) {
    let log = SqliteEventLog::open(&folder.join("events.db"), &topics::ALL).await.unwrap();
    let partition = log.partition_of(topics::BASKET_EVENTS, "ada").await.unwrap();
    log.append(topics::BASKET_EVENTS, partition, messages).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_lines_leave_exactly_once_and_nothing_else_does() {
    let (folder, products) = (data_dir().unwrap(), Products::open(50).await);
    let service = Service::ready(folder.path(), products.address()).await;
    let (_, paid) = service.post("/baskets/ada/items", json!({"product_id": 1, "quantity": 2})).await;
    service.post("/baskets/ada/items", json!({"product_id": 1, "quantity": 3})).await;
    let (_, last) = service.post("/baskets/ada/items", json!({"product_id": 2, "quantity": 1})).await;

    let first = cleared(event_id(1), &paid, PAYMENT, 1, 2);
    let same_payment = cleared(event_id(2), &paid, PAYMENT, 1, 2);
    let unknown = message(event_id(3), "basket.renamed.v7", json!({"user_id": "ada"}));
    let broken = message(event_id(4), "basket.cleared.v1", json!({"user_id": 7}));
    let sentinel = cleared(event_id(5), &last, OTHER_PAYMENT, 2, 1);
    publish(folder.path(), &[first.clone(), first, same_payment, unknown, broken, sentinel]).await;

    let basket = until_gone(&service, 2).await;
    assert_eq!(basket["items"].as_array().unwrap().len(), 1);
    assert_eq!((&basket["items"][0]["quantity"], &basket["total"]), (&json!(3), &json!("59.97")));
    assert_eq!(basket["version"], json!(5));
    service.stop().await;
    assert_eq!(dead_letters(folder.path()).await, 1);

    // A new owner of the partition starts where the last one stopped.
    let service = Service::ready(folder.path(), products.address()).await;
    service.post("/baskets/ada/items", json!({"product_id": 2, "quantity": 1})).await;
    let (_, now) = service.get("/baskets/ada").await;
    publish(folder.path(), &[cleared(event_id(6), &now, "01890a5d-ac96-774b-bcce-b302099a8059", 2, 1)]).await;
    assert_eq!(until_gone(&service, 2).await["items"][0]["quantity"], json!(3));
    service.stop().await;
}

async fn until_gone(service: &Service, product: i64) -> Value {
    let gone = || async {
        let (_, basket) = service.get("/baskets/ada").await;
        let there =
            basket["items"].as_array().unwrap().iter().any(|item| item["product_id"] == json!(product));
        (!there).then_some(basket)
    };
    eventually(PATIENCE, gone).await.unwrap()
}

async fn dead_letters(folder: &Path) -> i64 {
    let log = SqliteEventLog::open(&folder.join("events.db"), &topics::ALL).await.unwrap();
    let bounds = log.bounds(&topics::dead_letters_of(topics::BASKET_EVENTS), 0).await.unwrap();
    bounds.end - bounds.start
}
