//! Every verdict a payment can have, as the messages that leave for it.

use std::sync::Arc;

use kernel_application::{
    Clock, IdGenerator,
    messaging::{EventTranslator, OutboundMessage},
    testing::{ManualClock, SequenceIds, context},
};
use payment_application::testing::{new_payment, usd};
use payment_domain::{Failure, Payment, RefundId};
use payment_events::PaymentEvents;
use serde_json::{Map, Value};

/// One message on its way out.
pub(crate) struct Sent {
    pub(crate) topic: String,
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) event: Value,
    pub(crate) headers: Value,
}

/// What is sent for each verdict: completed, failed, refunded in part, refunded in whole.
pub(crate) fn sent() -> Vec<Sent> {
    let ids = SequenceIds::default();
    let mut refunded = completed();
    let verdicts = [
        messages(&completed()),
        messages(&failed()),
        messages(refund(&mut refunded, &ids, Some(1_000))),
        messages(refund(&mut refunded, &ids, None)),
    ];
    verdicts.into_iter().flatten().collect()
}

fn messages(payment: &Payment) -> Vec<Sent> {
    let translator = PaymentEvents::new(Arc::new(SequenceIds::default()));
    translator.translate(&context(), payment).into_iter().map(Sent::of).collect()
}

impl Sent {
    fn of(message: OutboundMessage) -> Self {
        let event: Value = serde_json::from_slice(message.payload.as_ref()).unwrap();
        let headers = message.headers.into_iter().map(|(name, value)| (name, Value::String(value)));
        Self {
            topic: message.topic,
            key: message.key,
            kind: event["type"].as_str().unwrap().to_owned(),
            headers: Value::Object(headers.collect::<Map<_, _>>()),
            event,
        }
    }
}

fn begun() -> Payment {
    let now = ManualClock::default().now();
    let mut payment = new_payment(&SequenceIds::default(), "ada", now);
    payment.begin(None, now).unwrap();
    payment
}

fn completed() -> Payment {
    let now = ManualClock::default().now();
    let mut payment = begun();
    payment.submit(now).unwrap();
    payment.capture("ch_1".into(), now).unwrap();
    payment
}

fn failed() -> Payment {
    let mut payment = begun();
    let failure = Failure { code: "insufficient_stock".into(), reason: "gone".into() };
    payment.fail_unreserved(failure, ManualClock::default().now()).unwrap();
    payment
}

/// Gives back `minor` units for a reason, or all that is left without one.
fn refund<'a>(payment: &'a mut Payment, ids: &SequenceIds, minor: Option<i64>) -> &'a Payment {
    let now = ManualClock::default().now();
    payment.mark_saved();
    let id = RefundId::from_uuid(ids.next());
    let reason = minor.map(|_| "a scratch".to_owned());
    payment.request_refund(id, minor.map(usd), reason, None, now).unwrap();
    payment.finish_refund(id, now).unwrap();
    payment
}
