//! The suite every event log has to pass.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{
    messaging::EventLog,
    testing::contract::event_log::{self, EventLogBench},
};

use crate::support::{Bench, shared, topic};

struct SharedBroker(Arc<dyn EventLog>);

#[async_trait]
impl EventLogBench for SharedBroker {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.0)
    }

    async fn topic(&self, partitions: u32) -> String {
        topic("contract", partitions).await
    }
}

#[tokio::test]
async fn keeps_the_promises_of_an_event_log() {
    event_log::all(&SharedBroker(Arc::new(Bench::new(&shared(), &[]).log))).await;
}
