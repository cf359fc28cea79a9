//! The notification ports on `SQLite`. It has no server whose limit could be asked for: these figures stand alone.

use std::{process::ExitCode, sync::Arc};

use notification_application::testing::Load;
use notification_sqlite::{SqliteNotificationQueries, SqliteNotificationRepository, open};
use platform_testkit::bench::{self, Bench, BoxError, Class, Subject};

/// More than are marked as read in a second.
const UNREAD_PER_SECOND: f64 = 8_000.0;

fn main() -> ExitCode {
    bench::main("sqlite", ports)
}

async fn ports(bench: Bench) -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let db = open(folder.path()).await?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, rounded")]
    let unread = (bench.plan().seconds() * UNREAD_PER_SECOND) as u32;
    let repository = Arc::new(SqliteNotificationRepository::new(db.clone()));
    let queries = Arc::new(SqliteNotificationQueries::new(db));
    let fill = Load::fill(repository, queries, unread);
    let load = Arc::new(bench.prepare(&format!("{unread} notifications"), fill).await?);
    let subject = Subject::new(Class::PointRead, "NotificationQueries", "get");
    bench.run(subject, &load, Load::get, None).await?;
    let subject = Subject::new(Class::FirstPage, "NotificationQueries", "list of a user");
    bench.run(subject, &load, Load::list, None).await?;
    let subject = Subject::new(Class::Command, "NotificationRepository", "add_all");
    bench.run(subject, &load, Load::add_all, None).await?;
    let subject = Subject::new(Class::Command, "NotificationRepository", "find + save");
    bench.run(subject, &load, Load::mark_read, None).await
}
