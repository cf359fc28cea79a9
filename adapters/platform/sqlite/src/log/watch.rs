//! Notices commits of other processes.

use std::time::Duration;

use diesel::{deserialize::QueryableByName, prelude::*, sql_query, sql_types::BigInt};
use tokio::{sync::watch, task::JoinHandle};

use crate::Database;

/// How soon a commit of another process is noticed.
const PERIOD: Duration = Duration::from_millis(15);

/// A task that reads the log's highest offsets in short periods and wakes the readers when they move.
pub struct Watch {
    changes: watch::Receiver<i64>,
    task: JoinHandle<()>,
}

impl Watch {
    pub(super) fn start(db: Database) -> Self {
        let (sender, changes) = watch::channel(0);
        let task = tokio::spawn(async move {
            let mut period = tokio::time::interval(PERIOD);
            while !sender.is_closed() {
                period.tick().await;
                // A log that cannot be read just now is reported by the readers themselves.
                if let Ok(total) = db.read("watch", total).await {
                    sender.send_if_modified(|seen| std::mem::replace(seen, total) != total);
                }
            }
        });
        Self { changes, task }
    }

    /// Resolves at the first change after this call.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + use<> {
        let mut changes = self.changes.clone();
        changes.mark_unchanged();
        async move {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// The sum of all partitions' ends: it grows with every append.
fn total(connection: &mut SqliteConnection) -> QueryResult<i64> {
    sql_query("SELECT coalesce(sum(next_offset), 0) AS total FROM log_partition")
        .get_result::<Total>(connection)
        .map(|row| row.total)
}
