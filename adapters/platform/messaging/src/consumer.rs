//! Reads topics and applies each event once.

use std::{sync::Arc, time::Duration};

use kernel_application::{
    IdGenerator,
    messaging::{EventLog, Inbox, MessagingObserver},
};
use slog::{Logger, o, warn};
use tokio::{sync::watch, task::JoinSet};

use crate::{EventHandler, backoff::Backoff, partition::PartitionReader, stop::Stop};

/// What a consumer is made of.
pub struct ConsumerParts {
    /// The consumer's name: its positions and handled events are kept under it.
    pub name: &'static str,
    /// Where records come from.
    pub log: Arc<dyn EventLog>,
    /// Where positions are kept, with the effects.
    pub inbox: Arc<dyn Inbox>,
    /// What is done with an event.
    pub handler: Arc<dyn EventHandler>,
    /// Ids for dead letters and spans.
    pub ids: Arc<dyn IdGenerator>,
    /// Who takes the figures.
    pub observer: Arc<dyn MessagingObserver>,
    /// Names this process among its replicas.
    pub owner: String,
    /// Where failures are logged.
    pub logger: Logger,
}

/// A consumer of some topics: one reader per partition, each under a lease.
pub struct Consumer {
    parts: Arc<ConsumerParts>,
    topics: Vec<&'static str>,
}

impl Consumer {
    /// A consumer of `topics`.
    pub fn new(parts: ConsumerParts, topics: &[&'static str]) -> Self {
        Self { parts: Arc::new(parts), topics: topics.to_vec() }
    }

    /// Works until `stop` turns true; finishes the record in hand and gives its partitions up.
    ///
    /// A topic that does not exist yet is waited for.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut readers = JoinSet::new();
        for topic in &self.topics {
            let Some(partitions) = self.partitions(topic, Stop::new(stop.clone())).await else { break };
            for partition in 0..partitions {
                let logger = self.parts.logger.new(o!("topic" => *topic, "partition" => partition));
                let reader = PartitionReader::new(Arc::clone(&self.parts), topic, partition, logger);
                readers.spawn(reader.run(Stop::new(stop.clone())));
            }
        }
        while let Some(result) = readers.join_next().await {
            if let Err(failure) = result
                && failure.is_panic()
            {
                std::panic::resume_unwind(failure.into_panic());
            }
        }
    }

    async fn partitions(&self, topic: &str, mut stop: Stop) -> Option<u32> {
        let mut backoff = Backoff::new();
        loop {
            match self.parts.log.partitions(topic).await {
                Ok(partitions) => return Some(partitions),
                Err(failure) => {
                    warn!(self.parts.logger, "waiting for topic"; "topic" => topic, "error" => %failure);
                }
            }
            if stop.within(backoff.next().max(Duration::from_millis(500))).await {
                return None;
            }
        }
    }
}
