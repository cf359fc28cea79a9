//! What goes out for each event.

use std::sync::Arc;

use kernel_application::{
    Clock,
    testing::{ManualClock, SequenceIds, context},
};
use payment_application::testing::{new_payment, usd};
use serde_json::{Value, json};

use super::*;

fn completed() -> Payment {
    let now = ManualClock::default().now();
    let mut payment = new_payment(&SequenceIds::default(), "ada", now);
    payment.begin(None, now).unwrap();
    payment.submit(now).unwrap();
    payment.capture("ch_1".into(), now).unwrap();
    payment
}

fn messages(payment: &Payment) -> Vec<(String, String, CloudEvent)> {
    let translator = PaymentEvents::new(Arc::new(SequenceIds::default()));
    let messages = translator.translate(&context(), payment);
    let decoded = |message: OutboundMessage| {
        let event = CloudEvent::decode(&message.payload).unwrap();
        assert_eq!(event.id, message.event_id);
        (message.topic, message.key, event)
    };
    messages.into_iter().map(decoded).collect()
}

fn data<'a>(messages: &'a [(String, String, CloudEvent)], kind: &str) -> Vec<&'a Value> {
    messages.iter().filter(|(.., event)| event.kind == kind).map(|(.., event)| &event.data).collect()
}

#[test]
fn a_completed_payment_tells_everyone_concerned() {
    let payment = completed();
    let messages = messages(&payment);
    let kinds: Vec<_> = messages.iter().map(|(topic, key, event)| (&**topic, &**key, &*event.kind)).collect();
    let id = payment.id().to_string();
    assert_eq!(
        kinds,
        [
            ("payment-events", &*id, "payment.completed.v1"),
            ("stock-events", "1", "stock.updated.v1"),
            ("stock-events", "2", "stock.updated.v1"),
            ("basket-events", "ada", "basket.cleared.v1"),
        ]
    );
    let completed = data(&messages, "payment.completed.v1")[0];
    assert_eq!((&completed["amount"], &completed["currency"]), (&json!("30.00"), &json!("USD")));
    assert_eq!(completed["items"][0]["subtotal"], json!("20.00"));
    let stock = data(&messages, "stock.updated.v1")[0];
    assert_eq!((&stock["operation"], &stock["quantity"]), (&json!("decrease"), &json!(2)));
    let cleared = data(&messages, "basket.cleared.v1")[0];
    assert_eq!(cleared["lines"], json!([{"product_id": 1, "quantity": 2}, {"product_id": 2, "quantity": 1}]));
}

#[test]
fn stock_returns_only_with_the_last_cent() {
    let now = ManualClock::default().now();
    let mut payment = completed();
    payment.mark_saved();
    let ids = SequenceIds::default();
    let refund = |payment: &mut Payment, amount| {
        let id = RefundId::from_uuid(ids.next());
        payment.request_refund(id, amount, None, None, now).unwrap();
        payment.finish_refund(id, now).unwrap();
    };
    refund(&mut payment, Some(usd(1_000)));
    let part = messages(&payment);
    assert_eq!(part.len(), 1);
    let refunded = data(&part, "payment.refunded.v1")[0];
    assert_eq!((&refunded["refund_amount"], &refunded["remaining"]), (&json!("10.00"), &json!("20.00")));
    payment.mark_saved();
    refund(&mut payment, None);
    let rest = messages(&payment);
    assert_eq!(data(&rest, "payment.refunded.v1")[0]["remaining"], json!("0.00"));
    let back: Vec<_> = data(&rest, "stock.updated.v1").iter().map(|data| data["operation"].clone()).collect();
    assert_eq!(back, [json!("increase"), json!("increase")]);
}

#[test]
fn a_failure_says_why() {
    let now = ManualClock::default().now();
    let mut payment = new_payment(&SequenceIds::default(), "ada", now);
    payment.begin(None, now).unwrap();
    payment
        .fail_unreserved(Failure { code: "insufficient_stock".into(), reason: "gone".into() }, now)
        .unwrap();
    let messages = messages(&payment);
    assert_eq!(messages.len(), 1);
    let failed = data(&messages, "payment.failed.v1")[0];
    assert_eq!((&failed["failure_code"], &failed["reason"]), (&json!("insufficient_stock"), &json!("gone")));
}

#[test]
fn events_continue_the_trace() {
    let ctx = context();
    for (.., event) in messages(&completed()) {
        assert_eq!(event.trace.unwrap().trace_id(), ctx.trace().trace_id());
    }
}
