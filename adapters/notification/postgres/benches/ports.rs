//! The notification ports on `PostgreSQL`, beside what `pgbench` gets out of the same table.

use std::{process::ExitCode, sync::Arc};

use notification_application::testing::Load;
use notification_postgres::{PgNotificationQueries, PgNotificationRepository, database};
use platform_postgres::{Database, PgConfig, testing::TestDatabase};
use platform_testkit::{
    bench::{self, Bench, BoxError, Class, PgBench, Subject},
    servers,
};
use slog::{Discard, Logger, o};

/// More than are marked as read in a second.
const UNREAD_PER_SECOND: f64 = 8_000.0;

/// By the ids that the load gives to notifications in the app. The first half is left to it: it marks each as read once.
const GET: &str = r"
\set n random(:rows / 2, :rows)
SELECT id, event_id, event_type, user_id, payment_id, channel, amount_minor, currency, subject, body, status, attempts,
    due_at, claim, ended_at, last_error, read_at, created_at, version
    FROM notification WHERE id = lpad(to_hex(:n::bigint * 256), 32, '0')::uuid;
";

const MARK_READ: &str = r"
\set n random(:rows / 2, :rows)
SELECT id, event_id, event_type, user_id, payment_id, channel, amount_minor, currency, subject, body, status, attempts,
    ended_at, created_at, version
    FROM notification WHERE id = lpad(to_hex(:n::bigint * 256), 32, '0')::uuid \gset
BEGIN;
UPDATE notification SET status = :status, attempts = :attempts, due_at = NULL, claim = NULL, ended_at = :ended_at,
    last_error = NULL, read_at = now(), version = :version + 1 WHERE id = :id AND version = :version;
COMMIT;
";

const ADD: &str = r"
\set u random(0, 999)
\set n random(1, 9000000000000000000)
BEGIN;
INSERT INTO notification (id, event_id, event_type, user_id, payment_id, channel, amount_minor, currency, subject, body,
    status, attempts, due_at, ended_at, created_at, version)
SELECT gen_random_uuid(), md5(:n::text)::uuid, 'payment.completed.v1', 'user-' || :u::int, md5(:n::text)::uuid, channel,
    12990, 'USD', 'Payment completed: 129.90 USD', repeat('x', 110), status, 0, due_at, ended_at, now(), 1
    FROM (VALUES ('in_app', 'sent', NULL, now()), ('email', 'pending', now(), NULL))
        AS new (channel, status, due_at, ended_at)
ON CONFLICT (event_id, channel) DO NOTHING;
COMMIT;
";

const LIST: &str = r#"
\set u random(0, 999)
SELECT seq, id, event_id, event_type, user_id, payment_id, channel, amount_minor, currency, subject, body, status,
    attempts, due_at, claim, ended_at, last_error, read_at, created_at, version
    FROM notification WHERE user_id = ('user-' || :u::int) COLLATE "C" AND seq < 9223372036854775807
    ORDER BY seq DESC LIMIT 21;
"#;

fn main() -> ExitCode {
    bench::main("postgres", ports)
}

async fn ports(bench: Bench) -> Result<(), BoxError> {
    let (own, db) = open(&bench).await?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, rounded")]
    let unread = 2 * (bench.plan().seconds() * UNREAD_PER_SECOND) as u32;
    let repository = Arc::new(PgNotificationRepository::new(db.clone()));
    let queries = Arc::new(PgNotificationQueries::new(db));
    let fill = Load::fill(repository, queries, unread);
    let load = Arc::new(bench.prepare(&format!("{unread} notifications"), fill).await?);
    own.prepare("VACUUM ANALYZE notification").await?;
    let get = pgbench(own.config(), unread);
    let subject = Subject::new(Class::PointRead, "NotificationQueries", "get");
    bench.run(subject, &load, Load::get, Some(&get)).await?;
    let subject = Subject::new(Class::FirstPage, "NotificationQueries", "list of a user");
    bench.run(subject, &load, Load::list, Some(&get.script(LIST))).await?;
    let subject = Subject::new(Class::Command, "NotificationRepository", "add_all");
    bench.run(subject, &load, Load::add_all, Some(&get.script(ADD))).await?;
    let subject = Subject::new(Class::Command, "NotificationRepository", "find + save");
    bench.run(subject, &load, Load::mark_read, Some(&get.script(MARK_READ))).await
}

async fn open(bench: &Bench) -> Result<(TestDatabase, Database), BoxError> {
    let own = TestDatabase::create(&servers::postgres()?).await?;
    let config = PgConfig { pool_size: bench.plan().clients, ..own.config().clone() };
    let db = database(&config, Logger::root(Discard, o!()))?;
    db.migrate().await?;
    Ok((own, db))
}

fn pgbench(config: &PgConfig, rows: u32) -> PgBench {
    let PgConfig { host, port, user, password, name, .. } = config.clone();
    let database = [host, port.to_string(), user, password.expose().to_owned(), name];
    PgBench { database, script: GET.to_owned(), rows: rows.into() }
}
