//! The client: a few connections to each node, shared by all commands.

use std::sync::Arc;

use fred::{
    clients::{Client, Pool},
    error::Error,
    interfaces::{ClientLike, HashesInterface},
    types::{
        FromValue, Value,
        config::{
            ClusterDiscoveryPolicy, Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, Server,
            ServerConfig, TcpConfig, UnresponsiveConfig,
        },
    },
};
use kernel_application::{BoxError, StoreError};
use slog::Logger;
use tokio::sync::Notify;

use crate::{
    Bucket, OpenError, RedisConfig, Script,
    durability::Durability,
    error::store_error,
    keys::Keys,
    link::{self, Guard, Link},
    tls,
};

/// A connection is tried again after these many milliseconds at first and at most, for ever.
const BACKOFF_MS: (u32, u32) = (50, 2_000);
/// Commands that may wait for one connection. More is not a peak any more, and memory is better spent otherwise.
const QUEUE: usize = 10_000;

/// A context's Redis. Clones share the connections, which end with the last of them.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    store: &'static str,
    address: String,
    pool: Pool,
    link: Arc<Link>,
    durability: Durability,
    keys: Keys,
    enqueued: Notify,
    _guards: Vec<Guard>,
}

impl Redis {
    /// Prepares connections of the store of `context` and begins to make them. The server may be away; operations answer
    /// that the store is unavailable until it is there.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn new(
        config: &RedisConfig,
        store: &'static str,
        context: &'static str,
        logger: &Logger,
    ) -> Result<Self, OpenError> {
        let fail = |source: BoxError| OpenError { store, address: config.address(), source };
        let pool = Pool::new(
            driver_config(config).map_err(fail)?,
            Some(PerformanceConfig { default_command_timeout: config.command_timeout, ..Default::default() }),
            Some(connection_config(config)),
            Some(ReconnectPolicy::new_exponential(0, BACKOFF_MS.0, BACKOFF_MS.1, 2)),
            config.pool_size,
        )
        .map_err(|error| fail(error.into()))?;
        let link = Link::new(logger.clone());
        let guards = pool.clients().iter().map(|client| link::keep(client.clone(), Arc::clone(&link)));
        Ok(Self(Arc::new(Inner {
            store,
            address: config.address(),
            _guards: guards.collect(),
            pool,
            link,
            durability: Durability::new(config.require_persistence, logger.clone()),
            keys: Keys::new(config.key_prefix.clone(), context),
            enqueued: Notify::new(),
        })))
    }

    /// The store's name, for messages.
    pub fn store(&self) -> &'static str {
        self.0.store
    }

    /// The name of a key of a bucket.
    pub fn key(&self, bucket: Bucket, name: &str) -> String {
        self.0.keys.bucket(bucket, name)
    }

    /// One field of a hash; `None` where there is no such hash or field.
    pub async fn field(
        &self,
        operation: &'static str,
        key: String,
        field: &'static str,
    ) -> Result<Option<String>, StoreError> {
        self.client(operation)?.hget(key, field).await.map_err(|error| self.failure(operation, error))
    }

    /// Runs a script that belongs to no call: housekeeping. All of `keys` are in one slot.
    pub async fn run<T: FromValue>(
        &self,
        operation: &'static str,
        script: &Script,
        keys: Vec<String>,
        args: Vec<String>,
    ) -> Result<T, StoreError> {
        self.eval(operation, script, keys, args.into_iter().map(Value::from).collect()).await
    }

    pub(crate) async fn eval<T: FromValue>(
        &self,
        operation: &'static str,
        script: &Script,
        keys: Vec<String>,
        args: Vec<Value>,
    ) -> Result<T, StoreError> {
        let answer = script.run(self.client(operation)?, keys, args).await;
        answer.and_then(Value::convert).map_err(|error| self.failure(operation, error))
    }

    /// A client that is connected. One that is not would queue what it is given, and callers would wait for nothing.
    pub(crate) fn client(&self, operation: &'static str) -> Result<&Client, StoreError> {
        let client = self.0.pool.next_connected();
        if client.is_connected() {
            return Ok(client);
        }
        let source = self.trouble().unwrap_or_else(|| "not connected yet".to_owned()).into();
        Err(StoreError::Unavailable { store: self.0.store, operation, source })
    }

    pub(crate) fn failure(&self, operation: &'static str, error: Error) -> StoreError {
        store_error(self.0.store, operation, error)
    }

    /// Why there is no connection, as far as it is known.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.0.link.trouble()
    }

    pub(crate) fn durability(&self) -> &Durability {
        &self.0.durability
    }

    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(crate) fn enqueued(&self) -> &Notify {
        &self.0.enqueued
    }
}

fn driver_config(config: &RedisConfig) -> Result<Config, BoxError> {
    let server = Server::new(config.host.clone(), config.port);
    let server = if config.cluster {
        // Any node that was seen can tell of the others, even where the one that was named is gone.
        ServerConfig::Clustered { hosts: vec![server], policy: ClusterDiscoveryPolicy::UseCache }
    } else {
        ServerConfig::Centralized { server }
    };
    Ok(Config {
        server,
        fail_fast: false,
        username: config.username.clone(),
        password: (!config.password.is_empty()).then(|| config.password.expose().to_owned()),
        database: (config.db > 0).then_some(config.db),
        tls: tls::client(config)?,
        ..Default::default()
    })
}

fn connection_config(config: &RedisConfig) -> ConnectionConfig {
    ConnectionConfig {
        connection_timeout: config.connect_timeout,
        internal_command_timeout: config.command_timeout,
        // A script that may have run must not be sent again: who asked decides what to do.
        max_command_attempts: 1,
        max_redirections: 5,
        max_command_buffer_len: QUEUE,
        // A peer that vanished without a word is noticed by its silence.
        unresponsive: UnresponsiveConfig {
            max_timeout: Some(config.command_timeout * 2),
            interval: (config.command_timeout / 2).max(std::time::Duration::from_millis(10)),
        },
        reconnect_on_auth_error: true,
        tcp: TcpConfig { nodelay: Some(true), ..Default::default() },
        ..Default::default()
    }
}
