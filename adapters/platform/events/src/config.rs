//! Which log, and where.

use std::path::PathBuf;

use platform_kafka::KafkaConfig;
use platform_runtime::{EventsHome, HomeConfig, Settings};

/// Where a service's events come from and go to.
#[derive(Clone, Debug)]
pub struct EventsConfig {
    /// The home of the log.
    pub home: EventsHome,
    /// The folder of the embedded log.
    pub folder: PathBuf,
    /// The brokers.
    pub kafka: KafkaConfig,
}

impl EventsConfig {
    /// Declares the variables of the brokers, which will know the service as `client_id`.
    pub fn declare(settings: &mut Settings, home: &HomeConfig, client_id: &str) -> Self {
        let kafka = KafkaConfig::declare(settings, home, client_id);
        Self { home: home.events, folder: home.folder(), kafka }
    }
}
