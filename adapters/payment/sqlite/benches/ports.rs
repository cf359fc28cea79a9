//! The payment ports on `SQLite`. It has no server whose limit could be asked for: these figures stand alone.

use std::{process::ExitCode, sync::Arc};

use kernel_application::{
    CallContext, Clock, IdGenerator,
    messaging::{EventTranslator, OutboundMessage},
    testing::{ManualClock, SequenceIds},
};
use kernel_domain::{Currency, EventId};
use payment_application::{PaymentRepository, testing::Load};
use payment_domain::Payment;
use payment_sqlite::{SqlitePaymentQueries, SqlitePaymentRepository, open};
use platform_testkit::bench::{self, Bench, BoxError, Class, Subject};

fn main() -> ExitCode {
    bench::main("sqlite", ports)
}

async fn ports(bench: Bench) -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let db = open(folder.path()).await?;
    let count = bench.plan().rows / 50;
    let (events, clock) = (Arc::new(OneMessagePerEvent::default()), Arc::new(ManualClock::default()));
    let repository: Arc<dyn PaymentRepository> =
        Arc::new(SqlitePaymentRepository::new(db.clone(), events, clock as Arc<dyn Clock>));
    let queries = Arc::new(SqlitePaymentQueries::new(db, Currency::USD));
    let fill = Load::fill(repository, queries, count);
    let load = Arc::new(bench.prepare(&format!("{count} payments"), fill).await?);
    let subject = Subject::new(Class::PointRead, "PaymentQueries", "get");
    bench.run(subject, &load, Load::get, None).await?;
    let subject = Subject::new(Class::FirstPage, "PaymentQueries", "list of a user");
    bench.run(subject, &load, Load::list, None).await?;
    let subject = Subject::new(Class::Command, "PaymentRepository", "find + save");
    bench.run(subject, &load, Load::take_step, None).await?;
    let subject = Subject::new(Class::Command, "PaymentRepository", "save a new one");
    bench.run(subject, &load, Load::create, None).await?;
    let subject = Subject::new(Class::Process, "PaymentRepository", "from quote to capture");
    bench.run(subject, &load, Load::process, None).await
}

/// One message of ordinary size per recorded event.
#[derive(Default)]
struct OneMessagePerEvent(SequenceIds);

impl EventTranslator<Payment> for OneMessagePerEvent {
    fn translate(&self, _: &CallContext, payment: &Payment) -> Vec<OutboundMessage> {
        let message = |_| OutboundMessage {
            event_id: EventId::from_uuid(self.0.next()),
            topic: "payment-events".into(),
            key: payment.id().to_string(),
            aggregate_version: payment.snapshot().version.next().get(),
            payload: vec![b'x'; 600],
            headers: vec![],
        };
        payment.events().as_slice().iter().map(message).collect()
    }
}
