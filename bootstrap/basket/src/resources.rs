//! Everything that takes a wait or may fail to be had: the store of the service's home, the event log, the connection to
//! the product service.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use basket_sqlite::MIGRATIONS;
use kernel_application::{BoxError, HealthCheck};
use platform_events::{Events, Store as MessageStore};
use platform_grpc::{ClientMetrics, Peer, PeerSettings};
use platform_identity::ServiceToken;
use platform_messaging::EventWorkers;
use platform_redis::{Redis, RedisHealth, RedisInbox, RedisOutbox};
use platform_runtime::StorageHome;
use platform_sqlite::{Database, SqliteHealth, SqliteInbox, SqliteOutbox};
use platform_telemetry::{Metrics, component};
use slog::Logger;

use crate::Config;

/// What the service holds on to.
pub(crate) struct Resources {
    /// The context's store.
    pub(crate) store: Store,
    /// The log between services.
    pub(crate) events: Events,
    /// The product service.
    pub(crate) product: Arc<Peer>,
    /// Who this service says it is.
    token: Option<ServiceToken>,
}

/// The context's store, one arm per home.
#[derive(Clone)]
pub(crate) enum Store {
    /// A file.
    Embedded(Database),
    /// Redis, one node or a cluster.
    Server(Redis),
}

impl Resources {
    /// Opens what is on this machine and prepares the connections; nobody on the other side need be there yet.
    pub(crate) async fn open(config: &Config, metrics: &Metrics, logger: &Logger) -> Result<Self, BoxError> {
        let store = Store::open(config, logger).await?;
        let events = Events::open(&config.events, metrics, logger).await?;
        let token = config.identity.service_token(logger);
        Ok(Self { store, events, product: product(config, token.clone(), metrics, logger)?, token })
    }

    /// What relay, consumers and housekeeping are made of.
    pub(crate) fn workers(&self, metrics: &Metrics, logger: &Logger) -> EventWorkers {
        self.events.workers("basket", self.store.messages(), metrics, logger)
    }

    /// What has to be there for the service to be ready.
    pub(crate) fn checks(&self) -> Vec<Arc<dyn HealthCheck>> {
        let product: Arc<dyn HealthCheck> = Arc::clone(&self.product) as _;
        let token = self.token.as_ref().map(ServiceToken::health);
        [self.store.check(), self.events.check(), product].into_iter().chain(token).collect()
    }
}

impl Store {
    pub(crate) async fn open(config: &Config, logger: &Logger) -> Result<Self, BoxError> {
        Ok(match config.home.storage {
            StorageHome::Embedded => {
                let file = config.home.folder().join("basket.db");
                Self::Embedded(Database::open(&file, "basket store", MIGRATIONS).await?)
            }
            StorageHome::Server => Self::Server(Redis::new(&config.redis, "basket store", "basket", logger)?),
        })
    }

    /// Waits until the store answers: connections are made in the background, and a job has nothing else to do.
    pub(crate) async fn connected(&self) -> Result<(), BoxError> {
        const PATIENCE: Duration = Duration::from_secs(10);
        const PAUSE: Duration = Duration::from_millis(50);
        let (check, begun) = (self.check(), Instant::now());
        while let Err(problem) = check.check().await {
            if begun.elapsed() > PATIENCE {
                return Err(problem.into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    fn messages(&self) -> MessageStore {
        match self.clone() {
            Self::Embedded(db) => MessageStore {
                outbox: Arc::new(SqliteOutbox::new(db.clone())),
                inbox: Arc::new(SqliteInbox::new(db)),
            },
            Self::Server(redis) => MessageStore {
                outbox: Arc::new(RedisOutbox::new(redis.clone())),
                inbox: Arc::new(RedisInbox::new(redis)),
            },
        }
    }

    fn check(&self) -> Arc<dyn HealthCheck> {
        match self.clone() {
            Self::Embedded(db) => Arc::new(SqliteHealth::new("basket-store", db)),
            Self::Server(redis) => Arc::new(RedisHealth::new("basket-store", redis)),
        }
    }
}

/// The connection to the product service.
pub(crate) fn product(
    config: &Config,
    token: Option<ServiceToken>,
    metrics: &Metrics,
    logger: &Logger,
) -> Result<Arc<Peer>, BoxError> {
    let logger = component(logger, "clients");
    let (settings, metrics) = (PeerSettings::default(), ClientMetrics::new(metrics));
    let peer = Peer::new("product-service", &config.product_service, settings, &logger, metrics)?;
    Ok(Arc::new(peer.with_token(token)))
}
