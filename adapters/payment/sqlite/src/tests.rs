//! The contract on a real file.

use std::sync::Arc;

use kernel_application::{
    Clock, IdGenerator,
    messaging::Outbox,
    testing::{ManualClock, SequenceIds, context},
};
use kernel_domain::Currency;
use payment_application::testing::{BoxedCount, PaymentStores, new_payment, payment_store_contract};
use payment_domain::Payment;
use platform_sqlite::{Database, IdempotencyRows, SqliteOutbox};
use tempfile::TempDir;

use super::*;

/// One message per recorded event is enough here; the real translation has its own tests.
struct OneMessagePerEvent(SequenceIds);

impl kernel_application::messaging::EventTranslator<Payment> for OneMessagePerEvent {
    fn translate(
        &self,
        _: &kernel_application::CallContext,
        payment: &Payment,
    ) -> Vec<kernel_application::messaging::OutboundMessage> {
        let message = |_| kernel_application::messaging::OutboundMessage {
            event_id: kernel_domain::EventId::from_uuid(self.0.next()),
            topic: "payment-events".into(),
            key: payment.id().to_string(),
            aggregate_version: payment.snapshot().version.next().get(),
            payload: b"{}".to_vec(),
            headers: vec![],
        };
        payment.events().as_slice().iter().map(message).collect()
    }
}

fn stores(db: &Database) -> PaymentStores {
    let ids: Arc<dyn IdGenerator> = Arc::new(SequenceIds::default());
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let events = Arc::new(OneMessagePerEvent(SequenceIds::default()));
    let outbox = SqliteOutbox::new(db.clone());
    let outbox = Arc::new(outbox);
    let count = move || -> BoxedCount {
        let outbox = Arc::clone(&outbox);
        Box::pin(async move { outbox.stats().await.unwrap().backlog })
    };
    PaymentStores {
        payments: Arc::new(SqlitePaymentRepository::new(db.clone(), events, clock)),
        queries: Arc::new(SqlitePaymentQueries::new(db.clone(), Currency::USD)),
        keys: Arc::new(SqliteIdempotencyKeys::new(IdempotencyRows::new(db.clone()), ids)),
        outbox: Arc::new(count),
    }
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let folder = TempDir::new().unwrap();
    payment_store_contract(stores(&open(folder.path()).await.unwrap())).await;
}

#[tokio::test]
async fn payments_survive_reopening() {
    let folder = TempDir::new().unwrap();
    let mut payment = new_payment(&SequenceIds::default(), "ada", ManualClock::default().now());
    let db = open(folder.path()).await.unwrap();
    stores(&db).payments.save(&context(), &mut payment).await.unwrap();
    drop(db);
    let db = open(folder.path()).await.unwrap();
    assert_eq!(stores(&db).payments.find(payment.id(), None).await.unwrap(), Some(payment));
}
