//! Whether the brokers answer and have the topics.

use async_trait::async_trait;
use kernel_application::HealthCheck;

use crate::KafkaEventLog;

/// Verifies the topics each time it is asked.
pub struct KafkaHealth(KafkaEventLog);

impl KafkaHealth {
    /// A check of `log`.
    pub const fn new(log: KafkaEventLog) -> Self {
        Self(log)
    }
}

#[async_trait]
impl HealthCheck for KafkaHealth {
    fn name(&self) -> &'static str {
        "event-log"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.verify().await.map_err(|error| error.to_string())
    }
}
