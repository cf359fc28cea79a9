//! Pools of connections to one file, each connection set up the same way.

use std::time::Duration;

use deadpool_diesel::{
    Manager, ManagerConfig, RecyclingMethod,
    sqlite::{Hook, HookError, Pool, Runtime},
};
use diesel::{SqliteConnection, connection::SimpleConnection};

/// `FULL`: a commit is on the disk before it is acknowledged, so not even a power cut takes it back.
const PRAGMAS: &str = "
    PRAGMA busy_timeout = 10000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -4096;
    PRAGMA journal_size_limit = 16777216;
";

/// A caller that waits longer than this for a connection is told that the store is away.
const WAIT: Duration = Duration::from_secs(10);

/// A pool of `size` connections to `path`.
pub(crate) fn pool(path: &str, size: usize) -> Result<Pool, deadpool_diesel::sqlite::BuildError> {
    let config = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    let manager = Manager::<SqliteConnection>::from_config(path, Runtime::Tokio1, config);
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .post_create(Hook::async_fn(|connection, _| {
            Box::pin(async move {
                connection
                    .interact(|connection| connection.batch_execute(PRAGMAS))
                    .await
                    .map_err(|error| HookError::message(error.to_string()))?
                    .map_err(|error| HookError::message(error.to_string()))
            })
        }))
        .build()
}
