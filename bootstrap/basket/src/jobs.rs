//! What the binary does instead of serving where a flag asks for it.

use kernel_application::BoxError;
use platform_messaging::{DeadLetters, topics};
use platform_telemetry::Metrics;
use slog::Logger;

use crate::{Config, resources::Resources};

/// What the consumer has put aside.
pub async fn dead_letters(config: Config, logger: Logger) -> Result<DeadLetters, BoxError> {
    let metrics = Metrics::new();
    let resources = Resources::open(&config, &metrics, &logger).await?;
    resources.store.connected().await?;
    Ok(resources.workers(&metrics, &logger).dead_letters("basket", &[topics::BASKET_EVENTS]))
}
