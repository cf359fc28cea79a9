//! What the binary does instead of serving where a flag asks for it.

use kernel_application::BoxError;
use slog::Logger;

use crate::{Config, resources::Store};

/// Brings the store's schema up to date; many may try at once, one does it.
pub async fn migrate(config: Config, logger: Logger, _: Option<String>) -> Result<String, BoxError> {
    // Opening an embedded store migrates it.
    if let Store::Server(db) = Store::open(&config, &logger).await? {
        db.migrate().await?;
    }
    Ok("the schema of the payment store is up to date".to_owned())
}
