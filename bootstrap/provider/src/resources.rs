//! What has to be opened before anything can be built.

use kernel_application::BoxError;
use platform_sqlite::Database;
use platform_telemetry::Metrics;
use provider_application::commands::create_charge::Holds;
use provider_channels::{CallbackClient, SigningKey};
use provider_sqlite::{MIGRATIONS, STORE};

use crate::Config;

/// Files, connections and figures. Clones share them.
#[derive(Clone)]
pub(crate) struct Resources {
    pub(crate) database: Database,
    pub(crate) callbacks: CallbackClient,
    pub(crate) holds: Holds,
    pub(crate) metrics: Metrics,
}

impl Resources {
    /// Opens the ledger, which is made where there is none.
    pub(crate) async fn open(config: &Config) -> Result<Self, BoxError> {
        Ok(Self {
            database: Database::open(&config.data_dir.join("provider.db"), STORE, MIGRATIONS).await?,
            callbacks: CallbackClient::new(SigningKey::new(config.callback_secret.expose()))?,
            holds: config.holds,
            metrics: Metrics::new(),
        })
    }
}
