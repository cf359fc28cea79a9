//! Notices commits of other processes.

use std::{path::Path, thread, time::Duration};

use diesel::{
    Connection, SqliteConnection, deserialize::QueryableByName, prelude::*, sql_query, sql_types::BigInt,
};
use tokio::sync::watch;

/// How soon a commit of another process is noticed.
const PERIOD: Duration = Duration::from_millis(15);

/// A thread that asks SQLite for the file's version in short periods and wakes the readers when it moves.
///
/// The version is a number in shared memory that every commit of another connection changes: asking for it costs
/// microseconds, unlike a query, and this connection never writes, so it sees all commits.
pub struct Watch(watch::Receiver<i64>);

impl Watch {
    pub(super) fn start(path: &Path) -> Result<Self, diesel::ConnectionError> {
        let mut connection = SqliteConnection::establish(&path.display().to_string())?;
        let (sender, changes) = watch::channel(0);
        thread::Builder::new()
            .name("event-log-watch".to_owned())
            .spawn(move || {
                while !sender.is_closed() {
                    // A log that cannot be read just now is reported by the readers themselves.
                    if let Ok(version) = version(&mut connection) {
                        sender.send_if_modified(|seen| std::mem::replace(seen, version) != version);
                    }
                    thread::sleep(PERIOD);
                }
            })
            .map_err(|error| diesel::ConnectionError::BadConnection(error.to_string()))?;
        Ok(Self(changes))
    }

    /// Resolves at the first change after this call.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + use<> {
        let mut changes = self.0.clone();
        changes.mark_unchanged();
        async move {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

fn version(connection: &mut SqliteConnection) -> QueryResult<i64> {
    sql_query("PRAGMA data_version").get_result::<Version>(connection).map(|row| row.data_version)
}
