//! One database on a server, shared by the replicas of a service.

use std::{sync::Arc, time::Duration};

use diesel::QueryResult;
use diesel_async::AsyncMysqlConnection;
use diesel_migrations::EmbeddedMigrations;
use kernel_application::{CallContext, StoreError, messaging::Delivery};
use slog::Logger;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{
    AsyncFunc, MariaDbConfig, OpenError, WriteError,
    connect::Connector,
    migrate::Schema,
    pool::{Lent, Pool},
    transaction::{Tx, Written},
};

/// How often an operation is tried that loses to a deadlock or with its connection, having written nothing.
const ATTEMPTS: u32 = 5;

/// A context's database. Clones share the connections.
///
/// Closures are `Clone` because an operation that lost to a deadlock, or with its connection, is done again from its
/// start: nothing of it was written.
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
        config: &MariaDbConfig,
        store: &'static str,
        migrations: EmbeddedMigrations,
        logger: Logger,
    ) -> Result<Self, OpenError> {
        Self::with_migrations(config, store, vec![migrations], logger)
    }

    /// A database with the messaging tables alone: for tests of what works on them.
    pub fn messaging(config: &MariaDbConfig, store: &'static str, logger: Logger) -> Result<Self, OpenError> {
        Self::with_migrations(config, store, Vec::new(), logger)
    }

    fn with_migrations(
        config: &MariaDbConfig,
        store: &'static str,
        migrations: Vec<EmbeddedMigrations>,
        logger: Logger,
    ) -> Result<Self, OpenError> {
        let pool = Pool::new(config, Connector::new(config))
            .map_err(|source| OpenError { store, source: source.into() })?;
        let schema = Schema::new(store, Connector::for_migrations(config), migrations, logger);
        let (limit, written) = (config.statement_timeout, Notify::new());
        Ok(Self(Arc::new(Inner { store, pool, schema, limit, written })))
    }

    /// Runs queries, each of which sees what is committed when it starts. Nothing may be written.
    pub async fn read<T, F>(&self, operation: &'static str, query: F) -> Result<T, StoreError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut AsyncMysqlConnection) -> QueryResult<T>
            + AsyncFunc<&'r mut AsyncMysqlConnection, QueryResult<T>, Future: Send>
            + Clone
            + Send,
    {
        let mut attempts = self.attempts(operation);
        loop {
            match self.query_once(attempts.deadline(), query.clone()).await {
                Ok(found) => return Ok(found),
                Err(error) => attempts.again(error)?,
            }
        }
    }

    /// Runs statements that write, each a transaction of its own. They are done again after a deadlock.
    pub(crate) async fn autocommit<T, F>(
        &self,
        operation: &'static str,
        statements: F,
    ) -> Result<T, StoreError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut AsyncMysqlConnection) -> QueryResult<T>
            + AsyncFunc<&'r mut AsyncMysqlConnection, QueryResult<T>, Future: Send>
            + Clone
            + Send,
    {
        let mut attempts = self.attempts(operation);
        loop {
            match self.query_once(attempts.deadline(), statements.clone()).await {
                Ok(value) => return Ok(value),
                Err(error) => attempts.again(error.with_unknown_outcome())?,
            }
        }
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
            + Clone
            + Send,
    {
        self.run(operation, ctx.delivery(), change).await
    }

    /// Runs one statement that is all there is to write: a transaction by itself, without the ways to the server that
    /// begin and commit one. `None`, and nothing is done, where the context's delivery has to be settled with it.
    ///
    /// Errors are those of [`Self::write`].
    pub async fn write_alone<T, F>(
        &self,
        ctx: &CallContext,
        operation: &'static str,
        statement: F,
    ) -> Result<Option<T>, StoreError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut AsyncMysqlConnection) -> QueryResult<T>
            + AsyncFunc<&'r mut AsyncMysqlConnection, QueryResult<T>, Future: Send>
            + Clone
            + Send,
    {
        match ctx.delivery() {
            Some(_) => Ok(None),
            None => self.autocommit(operation, statement).await.map(Some),
        }
    }

    /// Runs `change` in one transaction that belongs to no call: housekeeping, leases.
    pub async fn transact<T, F>(&self, operation: &'static str, change: F) -> Result<T, StoreError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<T, WriteError>
            + AsyncFunc<&'r mut Tx, Result<T, WriteError>, Future: Send>
            + Clone
            + Send,
    {
        self.run(operation, None, change).await
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
    pub(crate) async fn lend(&self) -> Result<Lent, WriteError> {
        self.0.schema.check().map_err(|obstacle| WriteError::Away(obstacle.into()))?;
        self.0.pool.get().await.map_err(|obstacle| WriteError::Away(obstacle.into()))
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
            + Clone
            + Send,
    {
        let mut attempts = self.attempts(operation);
        let (written, enqueued) = loop {
            match self.write_once(attempts.deadline(), delivery, change.clone()).await {
                Ok(done) => break done,
                Err(error) => attempts.again(error)?,
            }
        };
        if enqueued {
            self.0.written.notify_one();
        }
        match written {
            Written::Done(value) => Ok(value),
            Written::AlreadyApplied => Err(StoreError::AlreadyApplied),
        }
    }

    async fn query_once<T, F>(&self, deadline: Instant, query: F) -> Result<T, WriteError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut AsyncMysqlConnection) -> QueryResult<T>
            + AsyncFunc<&'r mut AsyncMysqlConnection, QueryResult<T>, Future: Send>
            + Send,
    {
        let mut connection = self.lend().await?;
        let result = within(deadline, query(&mut connection)).await;
        if !result.as_ref().is_err_and(WriteError::breaks_connection) {
            connection.give_back();
        }
        result
    }

    async fn write_once<T, F>(
        &self,
        deadline: Instant,
        delivery: Option<&Delivery>,
        change: F,
    ) -> Result<(Written<T>, bool), WriteError>
    where
        T: Send,
        for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<T, WriteError>
            + AsyncFunc<&'r mut Tx, Result<T, WriteError>, Future: Send>
            + Send,
    {
        let connection = self.lend().await?;
        let mut tx = within(deadline, Tx::begin(connection)).await?;
        match within(deadline, apply(&mut tx, delivery, change)).await {
            Ok(written) => match within(deadline, tx.commit()).await {
                Ok(enqueued) => Ok((written, enqueued)),
                Err(error) => Err(error.with_unknown_outcome()),
            },
            Err(error) if error.breaks_connection() => Err(error),
            Err(error) => {
                // What a roll-back could say is of no interest, and where it says nothing the connection is closed.
                let _ = timeout_at(deadline, tx.roll_back()).await;
                Err(error)
            }
        }
    }

    const fn attempts(&self, operation: &'static str) -> Attempts<'_> {
        Attempts { db: self, operation, left: ATTEMPTS }
    }
}

/// How often an operation is tried. It is tried again where it wrote nothing and what stopped it is over.
struct Attempts<'a> {
    db: &'a Database,
    operation: &'static str,
    left: u32,
}

impl Attempts<'_> {
    fn deadline(&self) -> Instant {
        Instant::now() + self.db.0.limit
    }

    /// `Err` where another attempt is of no use.
    fn again(&mut self, error: WriteError) -> Result<(), StoreError> {
        if error.is_lost() {
            self.db.0.pool.forget_resting();
        }
        self.left -= 1;
        if error.is_passing() && self.left > 0 {
            Ok(())
        } else {
            Err(error.into_store_error(self.db.0.store, self.operation))
        }
    }
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

/// The server ends each statement that takes too long; this holds where the server itself, or the way to it, stands
/// still.
async fn within<T, E>(deadline: Instant, work: impl Future<Output = Result<T, E>>) -> Result<T, WriteError>
where
    WriteError: From<E>,
{
    match timeout_at(deadline, work).await {
        Ok(result) => Ok(result?),
        Err(late) => Err(WriteError::Away(late.into())),
    }
}
