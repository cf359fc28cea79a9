//! Reads topics and applies each event once.
//!
//! [`Consumer`] is the loop of one process; `partitions` decides which partitions it reads, by the rule in `share`;
//! `reader` reads one of them and `record` deals with one record.

mod partitions;
mod reader;
mod record;
mod share;

use std::{sync::Arc, time::Duration};

use kernel_application::{
    IdGenerator,
    messaging::{EventLog, Inbox, MessagingObserver},
};
use slog::Logger;
use tokio::sync::watch;

use self::partitions::Partitions;
use crate::{EventHandler, stop::Stop};

/// How often a consumer looks whether it has its fair share.
const PERIOD: Duration = Duration::from_millis(500);

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

/// A consumer of some topics: one reader per partition, each under a lease, shared out among the replicas.
pub struct Consumer {
    parts: Arc<ConsumerParts>,
    topics: Vec<&'static str>,
}

impl Consumer {
    /// A consumer of `topics`.
    pub fn new(parts: ConsumerParts, topics: &[&'static str]) -> Self {
        Self { parts: Arc::new(parts), topics: topics.to_vec() }
    }

    /// Works until `stop` turns true; finishes the records in hand and gives its partitions up.
    ///
    /// A topic that does not exist yet is waited for, while the others are read.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut stop = Stop::new(stop);
        let mut partitions = Partitions::new(self.parts, &self.topics);
        while !stop.is_set() {
            partitions.balance().await;
            stop.within(PERIOD).await;
        }
        partitions.give_up_all().await;
    }
}
