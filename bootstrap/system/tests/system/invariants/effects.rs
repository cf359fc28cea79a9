//! Each event has had its effect, and had it once: one notification, one line in the sales figures, no dead letter.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{Account, all, cents, units, was_paid};
use crate::shop::{Replica, SERVICES, Shop};

/// How often an event type was told in the app, by payment.
type Told = BTreeMap<(String, &'static str), usize>;

const COMPLETED: &str = "payment.completed.v1";
const FAILED: &str = "payment.failed.v1";
const REFUNDED: &str = "payment.refunded.v1";

pub(super) async fn check(shop: &Shop, payments: &[Value], ledger: &HashMap<String, Account>) {
    let expected = expected(payments, ledger);
    let sold: i64 = payments.iter().filter(|payment| was_paid(payment)).map(|p| units(p, None)).sum();
    shop.until(&format!("each of {} events told", expected.len()), || async {
        let told = told(&in_app(shop).await);
        expected.iter().all(|(event, times)| told.get(event) >= Some(times))
    })
    .await;
    shop.until(&format!("{sold} units sold in the figures, none reserved"), || async {
        sales(shop).await == (sold, 0)
    })
    .await;
    // Only now is it certain that a second effect would have shown.
    shop.until("outboxes and consumers have caught up", || caught_up(shop)).await;
    let notifications = in_app(shop).await;
    assert_eq!(told(&notifications), expected, "each event is told once");
    check_notifications(payments, &notifications);
    assert_eq!(sales(shop).await, (sold, 0), "each sale counts once");
    for service in SERVICES {
        let log = shop.log(service);
        let dead = log.lines().find(|line| line.contains("record goes to the dead letters"));
        assert_eq!(dead, None, "{service}");
    }
}

fn expected(payments: &[Value], ledger: &HashMap<String, Account>) -> Told {
    let mut expected = Told::new();
    for payment in payments {
        let id = payment["id"].as_str().unwrap();
        let account = ledger.get(id).copied().unwrap_or_default();
        let events = [
            (COMPLETED, usize::from(was_paid(payment))),
            (FAILED, usize::from(payment["status"] == "failed")),
            (REFUNDED, if was_paid(payment) { account.refunds } else { 0 }),
        ];
        let events = events.into_iter().filter(|(_, times)| *times > 0);
        expected.extend(events.map(|(event, times)| ((id.to_owned(), event), times)));
    }
    expected
}

/// All notifications on the channel that is always on.
async fn in_app(shop: &Shop) -> Vec<Value> {
    let mut notifications = all(shop, &shop.http("notification-service"), "/notifications").await;
    notifications.retain(|notification| notification["channel"] == "in_app");
    notifications
}

fn told(notifications: &[Value]) -> Told {
    let mut told = Told::new();
    for notification in notifications {
        let known =
            [COMPLETED, FAILED, REFUNDED].into_iter().find(|name| notification["event_type"] == *name);
        let event = known.unwrap_or_else(|| panic!("an unknown event was told: {notification}"));
        let payment = notification["payment_id"].as_str().unwrap().to_owned();
        *told.entry((payment, event)).or_default() += 1;
    }
    told
}

/// One notification per event, and as much told to be refunded as was.
fn check_notifications(payments: &[Value], notifications: &[Value]) {
    let events: BTreeSet<_> = notifications.iter().map(|told| told["event_id"].as_str()).collect();
    assert_eq!(events.len(), notifications.len(), "an event was told twice: {notifications:?}");
    for payment in payments {
        let refunds = notifications
            .iter()
            .filter(|told| told["payment_id"] == payment["id"] && told["event_type"] == REFUNDED);
        let told: i64 = refunds.map(|told| cents(&told["amount"])).sum();
        assert_eq!(told, cents(&payment["refunded_amount"]), "refunds told of {payment}");
    }
}

/// Units sold and units reserved, as the catalogue's figures have them.
async fn sales(shop: &Shop) -> (i64, i64) {
    let url = format!("{}/products/stats", shop.http("product-service"));
    let stats = shop.send(reqwest::Method::GET, &url, None, &[]).await.unwrap().expect(200);
    (stats["units_sold"].as_i64().unwrap(), stats["reserved_quantity"].as_i64().unwrap())
}

/// Whether every service that has an outbox has emptied it, and every consumer has read its partitions to their ends.
async fn caught_up(shop: &Shop) -> bool {
    let with_messages = |(service, _): &Replica| !["gateway-service", "provider-service"].contains(service);
    for replica in shop.replicas().into_iter().filter(with_messages) {
        // One that was killed has nothing to say.
        let Ok(answer) = shop.client.get(format!("{}/metrics", shop.http_of(replica))).send().await else {
            continue;
        };
        let metrics = answer.text().await.unwrap();
        let waiting = |line: &&str| line.starts_with("outbox_backlog") || line.starts_with("consumer_lag");
        if metrics.lines().filter(waiting).any(|line| !line.ends_with(" 0")) {
            return false;
        }
    }
    true
}
