//! Whether a database answers.

use async_trait::async_trait;
use kernel_application::HealthCheck;

use crate::Database;

/// Asks a context's database something on a connection as operations use it.
pub struct PgHealth {
    name: &'static str,
    db: Database,
}

impl PgHealth {
    /// A check of `db`, shown as `name`.
    pub const fn new(name: &'static str, db: Database) -> Self {
        Self { name, db }
    }
}

#[async_trait]
impl HealthCheck for PgHealth {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self) -> Result<(), String> {
        let store = self.db.store();
        // What is in the way of a connection is told in words that were made to be shown.
        self.db.probe().await.map_err(|obstacle| format!("{store}: {obstacle}"))
    }
}
