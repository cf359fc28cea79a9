//! The log that carries messages: partitioned topics, each record at an offset.

use std::{ops::Range, time::Duration};

use async_trait::async_trait;
use kernel_domain::Timestamp;
use shaku::Interface;

use super::{Header, OutboundMessage};
use crate::BoxError;

/// A durable, partitioned log. A key's messages go to one partition, in the order they were appended.
#[async_trait]
pub trait EventLog: Interface {
    /// How many partitions the topic has.
    async fn partitions(&self, topic: &str) -> Result<u32, LogError>;

    /// The partition a key belongs to.
    async fn partition_of(&self, topic: &str, key: &str) -> Result<u32, LogError>;

    /// Appends messages of one topic and partition in order; they are durable when it returns.
    ///
    /// A log MAY cut them into several requests, each whole or not at all, none sent before the one before it was
    /// acknowledged: after an error the first of them may be in the log.
    async fn append(&self, topic: &str, partition: u32, messages: &[OutboundMessage])
    -> Result<(), LogError>;

    /// Up to `max` records from `offset` on, in order. At the end of the log it waits up to `wait` for more; outside of
    /// [`EventLog::bounds`] it MUST fail with [`LogError::OutOfRange`], and never go on somewhere else.
    async fn fetch(
        &self,
        topic: &str,
        partition: u32,
        offset: i64,
        max: u32,
        wait: Duration,
    ) -> Result<Vec<Record>, LogError>;

    /// The first offset kept and the one that comes next.
    async fn bounds(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError>;
}

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The place in the partition.
    pub offset: i64,
    /// The key.
    pub key: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// The headers.
    pub headers: Vec<Header>,
    /// When it was appended.
    pub appended_at: Timestamp,
}

/// How the log fails.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is no such topic.
    #[error("topic {0} does not exist")]
    UnknownTopic(String),
    /// The log does not hold that offset, and it is not the next one either.
    #[error("{topic}/{partition} does not hold offset {offset}")]
    OutOfRange {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// What was asked for.
        offset: i64,
    },
    /// The log cannot be reached.
    #[error("event log is unavailable ({operation})")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// The driver's error.
        #[source]
        source: BoxError,
    },
}
