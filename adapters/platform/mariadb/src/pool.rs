//! A few connections, shared. None is made before it is needed.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use diesel_async::{
    AsyncMysqlConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, PoolError as BackendError, RecyclingMethod,
        deadpool::{BuildError, Hook, HookError, Object, Pool as Connections, PoolError},
    },
};
use kernel_application::BoxError;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    MariaDbConfig,
    connect::{ConnectError, Connector},
};

/// A connection that rested for longer is asked whether it still works before it is used. Asking before every use would
/// double the way of a simple query; what was used a moment ago and is broken all the same costs one more attempt.
const RESTED: Duration = Duration::from_secs(5);

/// The connections of one database.
pub(crate) struct Pool {
    connections: Connections<AsyncMysqlConnection>,
    // The wait for a turn has a limit of its own here, so that "all are in use" and "cannot connect" stay apart.
    turns: Arc<Semaphore>,
    size: usize,
    within: Duration,
}

impl Pool {
    pub(crate) fn new(config: &MariaDbConfig, connector: Connector) -> Result<Self, BuildError> {
        let connector = Arc::new(connector);
        let mut manager = ManagerConfig::<AsyncMysqlConnection>::default();
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| {
            let connector = Arc::clone(&connector);
            Box::pin(async move { connector.connect().await.map_err(ConnectError::into_pool_error) })
        });
        let limit = config.connect_timeout;
        let connections = Connections::builder(AsyncDieselConnectionManager::new_with_config("", manager))
            .max_size(config.pool_size)
            .pre_recycle(Hook::async_fn(move |connection, metrics| {
                let rested = metrics.last_used() >= RESTED;
                Box::pin(async move { if rested { probe(connection, limit).await } else { Ok(()) } })
            }))
            .build()?;
        let turns = Arc::new(Semaphore::new(config.pool_size));
        Ok(Self { connections, turns, size: config.pool_size, within: config.acquire_timeout })
    }

    pub(crate) async fn get(&self) -> Result<Lent, AcquireError> {
        let turn = timeout(self.within, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| AcquireError::Exhausted { size: self.size, within: self.within })?;
        let turn = turn.map_err(|closed| AcquireError::Pool(closed.into()))?;
        let connection = self.connections.get().await.map_err(AcquireError::of)?;
        Ok(Lent { connection: Some(connection), _turn: turn })
    }

    /// Closes what rests here: where one connection was lost, the server has most likely dropped all of them.
    pub(crate) fn forget_resting(&self) {
        self.connections.retain(|_, _| false);
    }
}

async fn probe(connection: &mut AsyncMysqlConnection, within: Duration) -> Result<(), HookError> {
    match timeout(within, connection.batch_execute("DO 0")).await {
        Ok(answer) => answer.map_err(|error| HookError::Backend(BackendError::QueryError(error))),
        Err(_) => Err(HookError::message("no answer")),
    }
}

/// Why an operation has no connection to work on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcquireError {
    /// Others use all of them.
    #[error(
        "all {size} connections were in use for {within:?}: raise DB_POOL_SIZE, or look for slow statements"
    )]
    Exhausted { size: usize, within: Duration },
    /// None can be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The pool itself failed.
    #[error("connection pool failed")]
    Pool(#[source] BoxError),
}

impl AcquireError {
    fn of(error: PoolError) -> Self {
        match error {
            PoolError::Backend(BackendError::ConnectionError(error)) => {
                ConnectError::from_pool_error(error).map_or_else(Self::Pool, Self::Connect)
            }
            other => Self::Pool(other.into()),
        }
    }
}

/// A connection in use. Unless it is given back, it is closed: whoever was cut short in the middle of something leaves
/// neither an answer nor an open transaction to the next user, and the server frees its locks at once.
pub(crate) struct Lent {
    connection: Option<Object<AsyncMysqlConnection>>,
    _turn: OwnedSemaphorePermit,
}

impl Lent {
    /// Lets others use the connection.
    pub(crate) fn give_back(mut self) {
        drop(self.connection.take());
    }
}

impl Deref for Lent {
    type Target = AsyncMysqlConnection;

    fn deref(&self) -> &Self::Target {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("what gives the connection back consumes this value"),
        }
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("what gives the connection back consumes this value"),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}
