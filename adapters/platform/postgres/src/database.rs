//! One database on a server, shared by the replicas of a service.

use std::{sync::Arc, time::Duration};

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::EmbeddedMigrations;
use kernel_application::{CallContext, StoreError, messaging::Delivery};
use slog::Logger;
use tokio::{sync::Notify, time::timeout};

use crate::{
    AsyncFunc, OpenError, PgConfig, WriteError,
    connect::Connector,
    migrate::{NotMigrated, Schema},
    pool::{AcquireError, Lent, Pool},
    transaction::{Tx, Written},
};

/// A context's database. Clones share the connections.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    store: &'static str,
    pool: Pool,
    schema: Schema,
    limit: Duration,
    written: Notify,
}

impl Database {
    /// Nothing is connected or migrated yet: see [`Self::migrate`] and [`Self::keep_migrating`].
    pub fn new(
        config: &PgConfig,
        store: &'static str,
        migrations: EmbeddedMigrations,
        logger: Logger,
    ) -> Result<Self, OpenError> {
        Self::with_migrations(config, store, vec![migrations], logger)
    }

    /// A database with the messaging tables alone: for tests of what works on them.
    pub fn messaging(config: &PgConfig, store: &'static str, logger: Logger) -> Result<Self, OpenError> {
        Self::with_migrations(config, store, Vec::new(), logger)
    }

    fn with_migrations(
        config: &PgConfig,
        store: &'static str,
        migrations: Vec<EmbeddedMigrations>,
        logger: Logger,
    ) -> Result<Self, OpenError> {
        let pool = Pool::new(config, Connector::new(config, store)?)
            .map_err(|source| OpenError { store, source: source.into() })?;
        let migrator = Connector::for_migrations(config, store)?;
        let schema = Schema::new(store, migrator, config.lock_timeout, migrations, logger);
        // Each statement has a limit that the server keeps; this one holds when the server itself stands still.
        let limit = config.statement_timeout * 2;
        Ok(Self(Arc::new(Inner { store, pool, schema, limit, written: Notify::new() })))
    }

    /// Runs queries, each of which sees what is committed when it starts. Nothing may be written.
    pub async fn read<T, F>(&self, operation: &'static str, query: F) -> Result<T, StoreError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut AsyncPgConnection) -> QueryResult<T>
            + AsyncFunc<&'r mut AsyncPgConnection, QueryResult<T>, Future: Send>
            + Send,
    {
        let mut connection = self.connection(operation).await?;
        let work = async {
            let found = query(&mut connection).await;
            connection.give_back();
            Ok(found?)
        };
        self.within_limit(operation, work).await
    }

    /// Runs `change` in one transaction and settles the context's delivery in it, first of all.
    ///
    /// On an error nothing is written, with one exception: [`StoreError::AlreadyApplied`] keeps the consumer's move.
    /// After [`StoreError::Unavailable`] it is not known whether all of it was written or nothing: the answer to a
    /// commit may have been lost on its way.
    pub async fn write<T, F>(
        &self,
        ctx: &CallContext,
        operation: &'static str,
        change: F,
    ) -> Result<T, StoreError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<T, WriteError>
            + AsyncFunc<&'r mut Tx, Result<T, WriteError>, Future: Send>
            + Send,
    {
        self.run(operation, ctx.delivery(), change).await
    }

    /// Runs `change` in one transaction that belongs to no call: housekeeping, leases.
    pub async fn transact<T, F>(&self, operation: &'static str, change: F) -> Result<T, StoreError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<T, WriteError>
            + AsyncFunc<&'r mut Tx, Result<T, WriteError>, Future: Send>
            + Send,
    {
        self.run(operation, None, change).await
    }

    /// Whether operations are possible at the moment, and if not, why, in words that may be shown.
    pub(crate) async fn probe(&self) -> Result<(), Obstacle> {
        let mut connection = self.lend().await?;
        let answer = timeout(self.0.limit, connection.batch_execute("")).await;
        if !matches!(answer, Ok(Ok(()))) {
            return Err(AcquireError::NoAnswer.into());
        }
        connection.give_back();
        Ok(())
    }

    /// The store's name, for messages.
    pub fn store(&self) -> &'static str {
        self.0.store
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.0.schema
    }

    /// Resolves after a commit that put something into the outbox.
    pub(crate) async fn enqueued(&self) {
        self.0.written.notified().await;
    }

    /// A connection for one operation, where the schema is there.
    async fn lend(&self) -> Result<Lent, Obstacle> {
        self.0.schema.check()?;
        Ok(self.0.pool.get().await?)
    }

    async fn run<T, F>(
        &self,
        operation: &'static str,
        delivery: Option<&Delivery>,
        change: F,
    ) -> Result<T, StoreError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<T, WriteError>
            + AsyncFunc<&'r mut Tx, Result<T, WriteError>, Future: Send>
            + Send,
    {
        let connection = self.connection(operation).await?;
        let work = async {
            let mut tx = Tx::begin(connection).await?;
            match apply(&mut tx, delivery, change).await {
                Ok(written) => Ok((written, tx.commit().await?)),
                Err(error) => {
                    tx.roll_back().await;
                    Err(error)
                }
            }
        };
        let (written, enqueued) = self.within_limit(operation, work).await?;
        if enqueued {
            self.0.written.notify_one();
        }
        match written {
            Written::Done(value) => Ok(value),
            Written::AlreadyApplied => Err(StoreError::AlreadyApplied),
        }
    }

    async fn connection(&self, operation: &'static str) -> Result<Lent, StoreError> {
        let store = self.0.store;
        let lent = self.lend().await;
        lent.map_err(|obstacle| StoreError::Unavailable { store, operation, source: obstacle.into() })
    }

    async fn within_limit<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, WriteError>> + Send,
    ) -> Result<T, StoreError> {
        let store = self.0.store;
        match timeout(self.0.limit, Box::pin(work)).await {
            Ok(result) => result.map_err(|error| error.into_store_error(store, operation)),
            Err(late) => Err(StoreError::Unavailable { store, operation, source: late.into() }),
        }
    }
}

/// What is in the way of every operation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Obstacle {
    /// The tables are missing or old.
    #[error(transparent)]
    Schema(#[from] NotMigrated),
    /// There is no connection.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
}

async fn apply<T, F>(tx: &mut Tx, delivery: Option<&Delivery>, change: F) -> Result<Written<T>, WriteError>
where
    T: Send,
    for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<T, WriteError>
        + AsyncFunc<&'r mut Tx, Result<T, WriteError>, Future: Send>
        + Send,
{
    match delivery {
        Some(delivery) if !tx.settle(delivery).await? => Ok(Written::AlreadyApplied),
        _ => change(tx).await.map(Written::Done),
    }
}
