//! The event log on Kafka, over rskafka.
//!
//! [`KafkaEventLog`] implements the kernel's `EventLog`. It is made without connecting, so that a service starts with the
//! broker down; [`KafkaEventLog::verify`] compares the topics with those declared, at start and in every health check:
//!
//! ```text
//! let kafka = KafkaConfig::declare(settings, &home, "payment-service");             // config.rs
//! let log = KafkaEventLog::new(&kafka, &topics::ALL, &metrics, component(&logger, "event-log"))?;   // resources.rs
//! if let Err(error) = log.verify().await && error.is_permanent() { return Err(error.into()); }
//! let health = KafkaHealth::new(log.clone());
//! ```
//!
//! # What rskafka leaves to us
//!
//! rskafka has no timeouts, hands some transient errors up as fatal, repeats others for minutes, and can keep metadata
//! that is no longer true. So its own retries are off, every call here has a deadline, and a failure is classified once
//! (`failure`): tried again over the same connection, tried again over a client built anew, or given up. A new error
//! code gets its place there.
//!
//! - A *line* (`line`) is a connection to one partition's leader. Lines are pooled, one use at a time, so that a long
//!   poll never stands before a produce.
//! - The cluster's client (`cluster`) knows brokers and leaders. When a line breaks, the client it came from is dropped
//!   with all it believes; the next one starts from the configured brokers.
//! - Asking rskafka for a partition of a topic that is missing may create the topic, with the broker's defaults. Topics are
//!   therefore looked up in the full list first (`catalog`), which creates nothing.
//! - After a timeout a record may be in the log although nobody acknowledged it, and be appended again. Consumers tell by
//!   the event's id. What is never done is to send the next messages of a partition before the last are acknowledged.
//! - The mark at the end of a transaction is malformed to rskafka and takes the whole answer with it: it is skipped, alone
//!   (`reader`). Records of an aborted transaction are not told apart. Transactional producers must not write here.
//! - Client quotas must not be set for our users: rskafka drops the answer to a throttled request and sends it again.

mod broker;
mod catalog;
mod cluster;
mod config;
mod failure;
mod health;
mod line;
mod log;
mod metrics;
mod produce;
mod reader;
mod record;
mod security;
mod tries;
mod verify;

pub use config::{KafkaConfig, Sasl, SaslMechanism, SecurityProtocol};
pub use health::KafkaHealth;
pub use log::KafkaEventLog;
pub use security::SecurityError;
pub use verify::VerifyError;
