//! Whether a database answers.

use async_trait::async_trait;
use diesel_async::SimpleAsyncConnection;
use kernel_application::{HealthCheck, StoreError};

use crate::Database;

/// Asks a context's database something on a connection as operations use it.
pub struct MariaDbHealth {
    name: &'static str,
    db: Database,
}

impl MariaDbHealth {
    /// A check of `db`, shown as `name`.
    pub const fn new(name: &'static str, db: Database) -> Self {
        Self { name, db }
    }
}

#[async_trait]
impl HealthCheck for MariaDbHealth {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self) -> Result<(), String> {
        let store = self.db.store();
        match self.db.read("check", async |connection| connection.batch_execute("DO 0").await).await {
            // What is in the way of a connection is told in words that were made to be shown.
            Err(StoreError::Unavailable { source, .. }) => Err(format!("{store}: {source}")),
            other => other.map_err(|error| error.to_string()),
        }
    }
}
