//! Ports of event delivery: the outbox a store writes, the log that carries, the inbox that remembers.
//!
//! `platform-messaging` runs a relay and consumers over them; each home for data implements them.

mod inbox;
mod log;
mod message;
mod observer;
mod outbox;
mod partition;

pub use inbox::{Delivery, Inbox, Position};
pub use log::{EventLog, LogError, Record};
pub use message::{EventTranslator, Header, MAX_KEY, MAX_PAYLOAD, OutboundMessage, OversizedPayload};
pub use observer::{ConsumeOutcome, MessagingObserver};
pub use outbox::{FIRST, Outbox, OutboxStats, PURGE_LIMIT, StoredMessage};
pub use partition::partition_for;
