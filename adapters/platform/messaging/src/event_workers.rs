//! The workers of a context that publishes or consumes, over the same outbox, inbox and log.

use std::sync::Arc;

use kernel_application::{
    Clock, IdGenerator,
    messaging::{EventLog, Inbox, MessagingObserver, Outbox},
};
use slog::{Logger, o};

use crate::{Consumer, ConsumerParts, DeadLetters, EventHandler, Housekeeping, Relay};

/// What relay, consumers and housekeeping of one process share.
pub struct EventWorkers {
    /// The context's outbox.
    pub outbox: Arc<dyn Outbox>,
    /// The context's inbox.
    pub inbox: Arc<dyn Inbox>,
    /// The log between services.
    pub log: Arc<dyn EventLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn IdGenerator>,
    /// Who takes the figures.
    pub observer: Arc<dyn MessagingObserver>,
    /// Names this process among its replicas: unique per process.
    pub owner: String,
    /// The service's logger.
    pub logger: Logger,
}

impl EventWorkers {
    /// Empties the outbox. Every context has one: dead letters leave through it, too.
    pub fn relay(&self) -> Relay {
        Relay {
            outbox: Arc::clone(&self.outbox),
            log: Arc::clone(&self.log),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
            owner: self.owner.clone(),
            logger: self.component("relay"),
        }
    }

    /// Applies events of `topics` by `handler`; positions are kept under `name`, which must not change.
    pub fn consumer(
        &self,
        name: &'static str,
        topics: &[&'static str],
        handler: Arc<dyn EventHandler>,
    ) -> Consumer {
        let parts = ConsumerParts {
            name,
            log: Arc::clone(&self.log),
            inbox: Arc::clone(&self.inbox),
            handler,
            ids: Arc::clone(&self.ids),
            observer: Arc::clone(&self.observer),
            owner: self.owner.clone(),
            logger: self.component("consumer").new(o!("consumer" => name)),
        };
        Consumer::new(parts, topics)
    }

    /// The dead letters of the consumer `name` of `topics`.
    pub fn dead_letters(&self, name: &'static str, topics: &[&'static str]) -> DeadLetters {
        DeadLetters {
            consumer: name,
            topics: topics.to_vec(),
            log: Arc::clone(&self.log),
            inbox: Arc::clone(&self.inbox),
            ids: Arc::clone(&self.ids),
            owner: self.owner.clone(),
        }
    }

    /// Removes what outbox and inbox no longer need.
    pub fn housekeeping(&self) -> Housekeeping {
        Housekeeping {
            outbox: Arc::clone(&self.outbox),
            inbox: Some(Arc::clone(&self.inbox)),
            logger: self.component("housekeeping"),
        }
    }

    fn component(&self, name: &'static str) -> Logger {
        self.logger.new(o!("component" => name))
    }
}
