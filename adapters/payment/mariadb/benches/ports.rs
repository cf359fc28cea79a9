//! The payment ports on `MariaDB`, beside what `sysbench` gets out of the same tables by prepared statements.

use std::{process::ExitCode, sync::Arc};

use kernel_application::{
    CallContext, Clock, IdGenerator,
    messaging::{EventTranslator, OutboundMessage},
    testing::{ManualClock, SequenceIds},
};
use kernel_domain::{Currency, EventId};
use payment_application::{PaymentRepository, testing::Load};
use payment_domain::Payment;
use payment_mariadb::{MariaDbPaymentQueries, MariaDbPaymentRepository, database};
use platform_mariadb::{
    MariaDbConfig,
    testing::{TestDatabase, silent},
};
use platform_testkit::{
    bench::{self, Bench, BoxError, Class, Subject, Sysbench},
    servers,
};

const RAW: &str = include_str!("raw.lua");

fn main() -> ExitCode {
    bench::main("mariadb", ports)
}

async fn ports(bench: Bench) -> Result<(), BoxError> {
    let own = TestDatabase::create(&servers::mariadb()?).await;
    let config = MariaDbConfig { pool_size: bench.plan().clients, ..own.config().clone() };
    let db = database(&config, silent())?;
    db.migrate().await?;
    let count = bench.plan().rows / 50;
    let (events, clock) = (Arc::new(OneMessagePerEvent::default()), Arc::new(ManualClock::default()));
    let repository: Arc<dyn PaymentRepository> =
        Arc::new(MariaDbPaymentRepository::new(db.clone(), events, clock as Arc<dyn Clock>));
    let queries = Arc::new(MariaDbPaymentQueries::new(db, Currency::USD));
    let fill = Load::fill(repository, queries, count);
    let load = Arc::new(bench.prepare(&format!("{count} payments"), fill).await?);
    let raw = |event| sysbench(&config, event, count);
    let subject = Subject::new(Class::PointRead, "PaymentQueries", "get");
    bench.run(subject, &load, Load::get, Some(&raw("get"))).await?;
    let subject = Subject::new(Class::FirstPage, "PaymentQueries", "list of a user");
    bench.run(subject, &load, Load::list, None).await?;
    let subject = Subject::new(Class::Command, "PaymentRepository", "find + save");
    bench.run(subject, &load, Load::take_step, Some(&raw("take_step"))).await?;
    let subject = Subject::new(Class::Command, "PaymentRepository", "save a new one");
    bench.run(subject, &load, Load::create, Some(&raw("create"))).await?;
    let subject = Subject::new(Class::Process, "PaymentRepository", "from quote to capture");
    bench.run(subject, &load, Load::process, None).await
}

fn sysbench(config: &MariaDbConfig, event: &str, payments: u32) -> Sysbench {
    let MariaDbConfig { host, port, user, password, name, .. } = config.clone();
    let database = [host, port.to_string(), user, password.expose().to_owned(), name];
    Sysbench { database, script: format!("local payments = {payments}\n{RAW}\nevent = {event}\n") }
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
