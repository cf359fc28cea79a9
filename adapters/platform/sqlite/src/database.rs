//! One SQLite file: one writer, a few readers.

use std::{path::Path, sync::Arc};

use deadpool_diesel::sqlite::Pool;
use diesel::{QueryResult, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel_application::{BoxError, CallContext, StoreError};
use tokio::sync::Notify;

use crate::{
    connection,
    transaction::{Tx, WriteError, Written, settle},
};

const MESSAGING: EmbeddedMigrations = embed_migrations!("../../../db/platform/sqlite");
const READERS: usize = 4;

/// A context's file. Clones share the connections.
///
/// SQLite has one writer at a time: all writes of this process queue for one connection, so that they wait in
/// order instead of fighting for the lock; other processes are kept out by `BEGIN IMMEDIATE` and the busy timeout.
#[derive(Clone)]
pub struct Database {
    store: &'static str,
    writer: Pool,
    readers: Pool,
    written: Arc<Notify>,
}

impl Database {
    /// Opens or makes the file and runs the messaging tables' and then the context's migrations.
    pub async fn open(
        path: &Path,
        store: &'static str,
        migrations: EmbeddedMigrations,
    ) -> Result<Self, OpenError> {
        Self::open_with(path, store, vec![MESSAGING, migrations]).await
    }

    /// Opens or makes a file with the messaging tables alone: for tests of what works on them.
    pub async fn open_messaging(path: &Path, store: &'static str) -> Result<Self, OpenError> {
        Self::open_with(path, store, vec![MESSAGING]).await
    }

    pub(crate) async fn open_with(
        path: &Path,
        store: &'static str,
        migrations: Vec<EmbeddedMigrations>,
    ) -> Result<Self, OpenError> {
        let fail = |source: BoxError| OpenError::new(store, path, source);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| fail(error.into()))?;
        }
        let file = path.to_str().ok_or_else(|| fail("path is not UTF-8".into()))?;
        let writer = connection::pool(file, 1).map_err(|error| fail(error.into()))?;
        let readers = connection::pool(file, READERS).map_err(|error| fail(error.into()))?;
        let database = Self { store, writer, readers, written: Arc::new(Notify::new()) };
        database.migrate(migrations).await.map_err(fail)?;
        Ok(database)
    }

    /// Runs a query. Several run at the same time.
    pub async fn read<T, F>(&self, operation: &'static str, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        self.interact(&self.readers, operation, move |connection| query(connection).map_err(WriteError::from))
            .await
    }

    /// Runs `change` in one transaction and settles the context's delivery in it, first of all.
    ///
    /// On an error nothing is written, with one exception: [`StoreError::AlreadyApplied`] keeps the consumer's move.
    pub async fn write<T, F>(
        &self,
        ctx: &CallContext,
        operation: &'static str,
        change: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, WriteError> + Send + 'static,
    {
        let delivery = ctx.delivery().cloned();
        self.transact(operation, move |tx| match delivery {
            Some(delivery) if !settle(tx.conn(), &delivery)? => Ok(Written::AlreadyApplied),
            _ => change(tx).map(Written::Done),
        })
        .await
        .and_then(|written| match written {
            Written::Done(value) => Ok(value),
            Written::AlreadyApplied => Err(StoreError::AlreadyApplied),
        })
    }

    /// Runs `change` in one transaction that belongs to no call: housekeeping, leases.
    pub async fn transact<T, F>(&self, operation: &'static str, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, WriteError> + Send + 'static,
    {
        let store = self.store;
        let work = move |connection: &mut SqliteConnection| {
            let mut enqueued = false;
            let value = connection.immediate_transaction(|connection| {
                let mut tx = Tx::new(connection, store);
                let value = change(&mut tx)?;
                enqueued = tx.has_enqueued();
                Ok::<_, WriteError>(value)
            })?;
            Ok((value, enqueued))
        };
        let (value, enqueued) = self.interact(&self.writer, operation, work).await?;
        if enqueued {
            self.written.notify_one();
        }
        Ok(value)
    }

    /// The store's name, for messages.
    pub const fn store(&self) -> &'static str {
        self.store
    }

    pub(crate) async fn enqueued(&self) {
        self.written.notified().await;
    }

    async fn migrate(&self, migrations: Vec<EmbeddedMigrations>) -> Result<(), BoxError> {
        let connection = self.writer.get().await?;
        let run = move |connection: &mut SqliteConnection| {
            // Several processes may open one file at once: the first migrates, the others wait for it.
            connection.immediate_transaction(|connection| {
                for source in migrations {
                    connection.run_pending_migrations(source)?;
                }
                Ok::<_, MigrateError>(())
            })
        };
        connection
            .interact(run)
            .await
            .map_err(|error| error.to_string())?
            .map_err(|MigrateError(source)| source)
    }

    async fn interact<T, F>(&self, pool: &Pool, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, WriteError> + Send + 'static,
    {
        let store = self.store;
        let connection = pool.get().await.map_err(|source| StoreError::Unavailable {
            store,
            operation,
            source: source.into(),
        })?;
        match connection.interact(work).await {
            Ok(result) => result.map_err(|error| error.into_store_error(store, operation)),
            Err(source) => Err(StoreError::Failed { store, operation, source: source.to_string().into() }),
        }
    }
}

/// A file that could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
#[error("cannot open {store} at {path}; check that the folder of DATA_DIR exists and may be written")]
pub struct OpenError {
    store: &'static str,
    path: String,
    #[source]
    source: BoxError,
}

impl OpenError {
    pub(crate) fn new(store: &'static str, path: &Path, source: BoxError) -> Self {
        Self { store, path: path.display().to_string(), source }
    }
}

struct MigrateError(BoxError);

impl From<BoxError> for MigrateError {
    fn from(source: BoxError) -> Self {
        Self(source)
    }
}

impl From<diesel::result::Error> for MigrateError {
    fn from(source: diesel::result::Error) -> Self {
        Self(source.into())
    }
}
