//! Whether a file answers.

use async_trait::async_trait;
use diesel::prelude::*;
use kernel_application::HealthCheck;

use crate::Database;

/// Reads from and checks the write lock of a context's file.
pub struct SqliteHealth {
    name: &'static str,
    db: Database,
}

impl SqliteHealth {
    /// A check of `db`, shown as `name`.
    pub const fn new(name: &'static str, db: Database) -> Self {
        Self { name, db }
    }
}

#[async_trait]
impl HealthCheck for SqliteHealth {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self) -> Result<(), String> {
        let tables = |connection: &mut SqliteConnection| {
            diesel::sql_query("SELECT 1 FROM sqlite_schema LIMIT 1").execute(connection)
        };
        self.db.read("check", tables).await.map(drop).map_err(|error| error.to_string())
    }
}
