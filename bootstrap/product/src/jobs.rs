//! What the binary does instead of serving where a flag asks for it.

use kernel_application::BoxError;
use platform_messaging::DeadLetters;
use platform_telemetry::Metrics;
use product_events::ProductEvents;
use slog::Logger;

use crate::{
    Config,
    resources::{Resources, Store},
};

/// Brings the store's schema up to date; many may try at once, one does it.
pub async fn migrate(config: Config, logger: Logger, _: Option<String>) -> Result<String, BoxError> {
    Store::open(&config, &logger).await?.migrate().await?;
    Ok("the schema of the product store is up to date".to_owned())
}

/// What the consumer has put aside.
pub async fn dead_letters(config: Config, logger: Logger) -> Result<DeadLetters, BoxError> {
    let metrics = Metrics::new();
    let resources = Resources::open(&config, &metrics, &logger).await?;
    resources.store.migrate().await?;
    Ok(resources.workers(&metrics, &logger).dead_letters(ProductEvents::CONSUMER, &ProductEvents::TOPICS))
}
