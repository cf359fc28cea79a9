//! The relay with a backlog: how many events a second get from the outbox into the log, marks included.

mod support;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use kernel_application::messaging::{ConsumeOutcome, EventLog, MessagingObserver, Outbox, OutboxStats};
use kernel_domain::Timestamp;
use platform_messaging::{Relay, topics::PAYMENT_EVENTS};
use platform_postgres::{Database as Postgres, PgOutbox, testing::TestDatabase};
use platform_runtime::{EventsHome, SystemClock};
use platform_sqlite::{Database as Sqlite, SqliteOutbox};
use platform_telemetry::silent;
use platform_testkit::{
    bench::{self, Bench, BoxError, Class, Subject},
    data_dir, servers,
};
use support::{event, log};
use tokio::sync::watch;

/// Events of about 600 bytes, each of a payment of its own.
const BACKLOG: &str = r#"
    INSERT INTO outbox (event_id, topic, key, aggregate_version, payload, headers)
    SELECT id, 'payment-events', payment, 1, convert_to('{"specversion":"1.0","id":"' || id
        || '","type":"payment.completed.v1","source":"/payment","subject":"' || payment
        || '","time":"2026-01-01T00:00:00Z","datacontenttype":"application/json","data":{"payment_id":"' || payment
        || '","user_id":"user-' || n || '","amount":"' || n || '.90","currency":"USD","items":[{"product_id":' || n
        || ',"quantity":2,"name":"Coffee grinder","price":"12.90"},{"product_id":' || n * 7919
        || ',"quantity":1,"name":"Tea pot, blue","price":"22.10"}]}}', 'UTF8'),
        '[["traceparent","00-' || replace(id::text, '-', '') || '-00f067aa0ba902b7-01"]]'
    FROM generate_series(1::bigint, {events}) AS n, LATERAL (SELECT gen_random_uuid() AS id,
        gen_random_uuid()::text AS payment WHERE n > 0) AS made
    ORDER BY n"#;

/// How many events one transaction puts into a file.
const LOT: u32 = 1_000;

fn main() -> ExitCode {
    bench::main("postgres-kafka", async |bench| {
        embedded(&bench.at("sqlite")).await?;
        servers(&bench).await
    })
}

async fn embedded(bench: &Bench) -> Result<(), BoxError> {
    let folder = data_dir()?;
    let log = log(EventsHome::Embedded, folder.path(), "").await?;
    let db = Sqlite::open_messaging(&folder.path().join("store.db"), "bench store").await?;
    let outbox: Arc<dyn Outbox> = Arc::new(SqliteOutbox::new(db.clone()));
    let events = bench.plan().events;
    let round = async || {
        for _ in 0..events / LOT {
            let lot: Vec<_> = (0..LOT).map(|n| event(PAYMENT_EVENTS, n)).collect();
            db.transact("fill", move |tx| lot.iter().try_for_each(|message| tx.enqueue(message))).await?;
        }
        empty(&outbox, &log, u64::from(events / LOT * LOT)).await
    };
    bench.once(Subject::new(Class::Relay, "Relay", "outbox to log"), round, None).await
}

async fn servers(bench: &Bench) -> Result<(), BoxError> {
    let folder = data_dir()?;
    let log = log(EventsHome::Kafka, folder.path(), &servers::kafka()?).await?;
    let own = TestDatabase::create(&servers::postgres()?).await?;
    let db = Postgres::messaging(own.config(), "bench store", silent())?;
    db.migrate().await?;
    let outbox: Arc<dyn Outbox> = Arc::new(PgOutbox::new(db));
    let events = bench.plan().events;
    let round = async || {
        own.prepare(&BACKLOG.replace("{events}", &events.to_string())).await?;
        own.prepare("VACUUM ANALYZE outbox").await?;
        empty(&outbox, &log, events.into()).await
    };
    bench.once(Subject::new(Class::Relay, "Relay", "outbox to log"), round, None).await
}

/// Lets a relay work until it has published and marked everything.
async fn empty(
    outbox: &Arc<dyn Outbox>,
    log: &Arc<dyn EventLog>,
    events: u64,
) -> Result<(u64, Duration), BoxError> {
    let (stop, stopped) = watch::channel(false);
    let relay = Relay {
        outbox: Arc::clone(outbox),
        log: Arc::clone(log),
        clock: Arc::new(SystemClock),
        observer: Arc::new(Countdown { left: AtomicU64::new(events), stop }),
        owner: "bench".to_owned(),
        logger: silent(),
    };
    let begun = Instant::now();
    relay.run(stopped).await;
    let took = begun.elapsed();
    match outbox.stats().await?.backlog {
        0 => Ok((events, took)),
        left => Err(format!("{left} events are still waiting").into()),
    }
}

/// Stops the relay after the last event.
struct Countdown {
    left: AtomicU64,
    stop: watch::Sender<bool>,
}

impl MessagingObserver for Countdown {
    fn published(&self, _: &str, count: u64) {
        if self.left.fetch_sub(count, Ordering::Relaxed) <= count {
            self.stop.send_replace(true);
        }
    }

    fn outbox(&self, _: OutboxStats, _: Timestamp) {}

    fn consumed(&self, _: &str, _: ConsumeOutcome) {}

    fn lag(&self, _: &str, _: u32, _: u64) {}
}
