//! The contract and what comes with a server, against a real one.

mod large;
mod parallel;
mod plans;
mod prepared;
mod schema;

use std::sync::Arc;

use kernel_application::{
    CallContext, Clock, IdGenerator,
    messaging::{EventTranslator, OutboundMessage, Outbox},
    testing::{ManualClock, SequenceIds},
};
use kernel_domain::{Currency, EventId};
use payment_application::testing::{BoxedCount, PaymentStores, payment_store_contract};
use payment_domain::Payment;
use platform_mariadb::{
    Database, IdempotencyRows, MariaDbOutbox,
    testing::{TestDatabase, silent},
};
use platform_testkit::servers;

use crate::{MariaDbIdempotencyKeys, MariaDbPaymentQueries, MariaDbPaymentRepository, database};

/// A migrated database with the context's stores.
struct Home {
    db: Database,
    stores: PaymentStores,
    database: TestDatabase,
}

impl Home {
    async fn new() -> Self {
        let home = TestDatabase::create(&servers::mariadb().unwrap()).await;
        let db = database(home.config(), silent()).unwrap();
        db.migrate().await.unwrap();
        Self { stores: stores(&db), db, database: home }
    }
}

/// One message per recorded event is enough here; the real translation has its own tests.
struct OneMessagePerEvent(SequenceIds);

impl EventTranslator<Payment> for OneMessagePerEvent {
    fn translate(&self, _: &CallContext, payment: &Payment) -> Vec<OutboundMessage> {
        let message = |_| OutboundMessage {
            event_id: EventId::from_uuid(self.0.next()),
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
    let outbox = Arc::new(MariaDbOutbox::new(db.clone()));
    let count = move || -> BoxedCount {
        let outbox = Arc::clone(&outbox);
        Box::pin(async move { outbox.stats().await.unwrap().backlog })
    };
    PaymentStores {
        payments: Arc::new(MariaDbPaymentRepository::new(db.clone(), events, clock)),
        queries: Arc::new(MariaDbPaymentQueries::new(db.clone(), Currency::USD)),
        keys: Arc::new(MariaDbIdempotencyKeys::new(IdempotencyRows::new(db.clone()), ids)),
        outbox: Arc::new(count),
    }
}

#[tokio::test]
async fn mariadb_keeps_the_contract() {
    payment_store_contract(Home::new().await.stores).await;
}
