//! Everything that takes a wait or may fail to be had: files, the event log, connections to peers and the provider.

use std::{sync::Arc, time::Duration};

use kernel_application::{BoxError, HealthCheck, StoreError};
use payment_provider::{ProviderClient, ProviderSettings};
use platform_events::{Events, Store as MessageStore};
use platform_grpc::{ClientMetrics, Peer, PeerSettings};
use platform_identity::{Authenticator, ServiceToken};
use platform_mariadb::{MariaDbHealth, MariaDbInbox, MariaDbOutbox};
use platform_messaging::EventWorkers;
use platform_runtime::StorageHome;
use platform_sqlite::{SqliteHealth, SqliteInbox, SqliteOutbox};
use platform_telemetry::{Metrics, component};
use slog::Logger;

use crate::Config;

/// What the service holds on to.
pub(crate) struct Resources {
    /// The context's store.
    pub(crate) store: Store,
    /// The log between services.
    pub(crate) events: Events,
    /// Whom the service asks.
    pub(crate) peers: Peers,
    /// Who finds out who calls.
    pub(crate) authenticator: Authenticator,
}

/// The context's store, one arm per home.
#[derive(Clone)]
pub(crate) enum Store {
    /// A file.
    Embedded(platform_sqlite::Database),
    /// MariaDB.
    Server(platform_mariadb::Database),
}

/// The other services and the provider.
#[derive(Clone)]
pub(crate) struct Peers {
    /// The basket service.
    pub(crate) basket: Arc<Peer>,
    /// The product service.
    pub(crate) product: Arc<Peer>,
    /// The payment provider.
    pub(crate) provider: Arc<ProviderClient>,
    /// Who this service says it is.
    token: Option<ServiceToken>,
}

impl Resources {
    /// Opens what is on this machine and prepares the connections; nobody on the other side need be there yet.
    pub(crate) async fn open(config: &Config, metrics: &Metrics, logger: &Logger) -> Result<Self, BoxError> {
        let store = Store::open(config, logger).await?;
        let events = Events::open(&config.events, metrics, logger).await?;
        let authenticator = config.identity.authenticator(logger)?;
        authenticator.measured(metrics);
        Ok(Self { store, events, peers: Peers::new(config, metrics, logger)?, authenticator })
    }

    /// What relay, consumers and housekeeping are made of.
    pub(crate) fn workers(&self, metrics: &Metrics, logger: &Logger) -> EventWorkers {
        self.events.workers("payment", self.store.messages(), metrics, logger)
    }

    /// What has to be there for the service to be ready.
    pub(crate) fn checks(&self) -> Vec<Arc<dyn HealthCheck>> {
        let Peers { basket, product, provider, token } = self.peers.clone();
        let mut checks = vec![self.store.check(), self.events.check(), basket, product, provider];
        checks.extend(self.authenticator.health());
        checks.extend(token.as_ref().map(ServiceToken::health));
        checks
    }
}

impl Store {
    pub(crate) async fn open(config: &Config, logger: &Logger) -> Result<Self, BoxError> {
        Ok(match config.home.storage {
            StorageHome::Embedded => Self::Embedded(payment_sqlite::open(&config.home.folder()).await?),
            StorageHome::Server => Self::Server(payment_mariadb::database(&config.db, logger.clone())?),
        })
    }

    fn messages(&self) -> MessageStore {
        match self.clone() {
            Self::Embedded(db) => MessageStore {
                outbox: Arc::new(SqliteOutbox::new(db.clone())),
                inbox: Arc::new(SqliteInbox::new(db)),
            },
            Self::Server(db) => MessageStore {
                outbox: Arc::new(MariaDbOutbox::new(db.clone())),
                inbox: Arc::new(MariaDbInbox::new(db)),
            },
        }
    }

    /// Forgets idempotency keys that are older than `retention`.
    pub(crate) async fn purge_keys(&self, retention: Duration) -> Result<u64, StoreError> {
        match self.clone() {
            Self::Embedded(db) => platform_sqlite::IdempotencyRows::new(db).purge(retention).await,
            Self::Server(db) => platform_mariadb::IdempotencyRows::new(db).purge(retention).await,
        }
    }

    fn check(&self) -> Arc<dyn HealthCheck> {
        match self.clone() {
            Self::Embedded(db) => Arc::new(SqliteHealth::new("payment-store", db)),
            Self::Server(db) => Arc::new(MariaDbHealth::new("payment-store", db)),
        }
    }
}

impl Peers {
    pub(crate) fn new(config: &Config, metrics: &Metrics, logger: &Logger) -> Result<Self, BoxError> {
        let token = config.identity.service_token(logger);
        let logger = component(logger, "clients");
        let client_metrics = ClientMetrics::new(metrics);
        let peer = |name, address: &str| {
            let peer = Peer::new(name, address, PeerSettings::default(), &logger, client_metrics.clone());
            peer.map(|peer| Arc::new(peer.with_token(token.clone())))
        };
        let settings = ProviderSettings {
            callback_url: config.callback_url.clone(),
            ..ProviderSettings::new(&config.provider_url)
        };
        Ok(Self {
            basket: peer("basket-service", &config.basket_service)?,
            product: peer("product-service", &config.product_service)?,
            provider: Arc::new(ProviderClient::new(settings, &logger)?),
            token,
        })
    }
}
