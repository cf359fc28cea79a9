//! Wire events of the payment context: what other services learn of a verdict.
//!
//! A new event is a struct in `data.rs`, an arm in [`PaymentEvents`], and a message in `docs/asyncapi.yaml`,
//! which a test holds the real events against.

mod data;

use std::sync::Arc;

use kernel_application::{
    CallContext, IdGenerator,
    messaging::{EventTranslator, OutboundMessage},
};
use kernel_domain::EventId;
use payment_domain::{Failure, Payment, PaymentEvent, PaymentSnapshot, PaymentStatus, RefundId};
use platform_messaging::{CloudEvent, topics};
use serde::Serialize;
use shaku::Component;

use crate::data::{BasketCleared, Completed, Failed, Refunded, StockUpdated, Summary};

/// Translates a payment's events: one verdict becomes the messages for everyone concerned.
#[derive(Component)]
#[shaku(interface = EventTranslator<Payment>)]
pub struct PaymentEvents {
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

impl PaymentEvents {
    /// A translator that takes event ids from `ids`.
    pub fn new(ids: Arc<dyn IdGenerator>) -> Self {
        Self { ids }
    }
}

impl EventTranslator<Payment> for PaymentEvents {
    fn translate(&self, ctx: &CallContext, payment: &Payment) -> Vec<OutboundMessage> {
        let envelope = Envelope { ids: &*self.ids, ctx, state: payment.snapshot() };
        let events = payment.events().as_slice().iter();
        events
            .flat_map(|event| match event {
                PaymentEvent::Completed => envelope.completed(),
                PaymentEvent::Failed(failure) => vec![envelope.failed(failure)],
                PaymentEvent::Refunded(refund) => envelope.refunded(*refund),
            })
            .collect()
    }
}

struct Envelope<'a> {
    ids: &'a dyn IdGenerator,
    ctx: &'a CallContext,
    state: &'a PaymentSnapshot,
}

impl Envelope<'_> {
    fn completed(&self) -> Vec<OutboundMessage> {
        let mut messages = vec![self.payment_event("payment.completed.v1", &Completed::of(self.state))];
        messages.extend(self.stock("decrease", "payment_completed"));
        let user = self.state.user_id.as_str();
        messages.push(self.message(
            topics::BASKET_EVENTS,
            "basket.cleared.v1",
            user,
            &BasketCleared::of(self.state),
        ));
        messages
    }

    fn failed(&self, failure: &Failure) -> OutboundMessage {
        let data = Failed {
            payment: Summary::of(self.state),
            failure_code: failure.code.clone(),
            reason: failure.reason.clone(),
        };
        self.payment_event("payment.failed.v1", &data)
    }

    fn refunded(&self, id: RefundId) -> Vec<OutboundMessage> {
        let mut messages: Vec<_> = Refunded::of(self.state, id)
            .map(|data| self.payment_event("payment.refunded.v1", &data))
            .into_iter()
            .collect();
        if self.state.status == PaymentStatus::Refunded {
            messages.extend(self.stock("increase", "payment_refunded"));
        }
        messages
    }

    fn stock(&self, operation: &'static str, reason: &'static str) -> Vec<OutboundMessage> {
        let message = |item| {
            let data = StockUpdated::of(self.state.id, item, operation, reason);
            let key = data.product_id.to_string();
            self.message(topics::STOCK_EVENTS, "stock.updated.v1", &key, &data)
        };
        self.state.items.iter().map(message).collect()
    }

    fn payment_event(&self, kind: &str, data: &impl Serialize) -> OutboundMessage {
        self.message(topics::PAYMENT_EVENTS, kind, &self.state.id.to_string(), data)
    }

    fn message(&self, topic: &str, kind: &str, key: &str, data: &impl Serialize) -> OutboundMessage {
        let id = EventId::from_uuid(self.ids.next());
        let trace = self.ctx.trace().child(*id.as_uuid());
        let event = CloudEvent {
            id,
            kind: kind.to_owned(),
            source: "/payment".to_owned(),
            subject: key.to_owned(),
            time: self.state.updated_at,
            trace: Some(trace),
            // Structs of strings and numbers have no way to fail.
            data: serde_json::to_value(data).unwrap_or_default(),
        };
        OutboundMessage {
            event_id: id,
            topic: topic.to_owned(),
            key: key.to_owned(),
            aggregate_version: self.state.version.next().get(),
            payload: event.encode(),
            headers: vec![
                ("traceparent".to_owned(), trace.to_string()),
                ("content-type".to_owned(), "application/cloudevents+json".to_owned()),
            ],
        }
    }
}

#[cfg(test)]
mod tests;
