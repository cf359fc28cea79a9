//! The port's operations, each repeated until it succeeds or its time is over.

use std::{ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel_application::messaging::{EventLog, LogError, OutboundMessage, Record, partition_for};
use platform_telemetry::Metrics;
use slog::Logger;
use tokio::time::Instant;

use crate::{
    KafkaConfig, SecurityError, VerifyError,
    broker::Broker,
    catalog::Catalog,
    cluster::Cluster,
    failure::Failure,
    line::{Place, Pool},
    metrics::KafkaMetrics,
    produce::requests,
    reader::Wanted,
    record,
    tries::repeat,
};

/// The event log on Kafka. Clones share their connections.
///
/// An append is written in requests of up to 900 kB: each is in the log as a whole or not at all, and none is sent
/// before the one before it is acknowledged. Where an append fails, the requests before the one that failed are in the
/// log, and that one may be.
#[derive(Clone)]
pub struct KafkaEventLog(Arc<Broker>);

impl KafkaEventLog {
    /// A log on the brokers of `config`; connects when it is first used. `topics` are the names and numbers of partitions
    /// that the services are made for: other topics can be used, but these are never used with another number.
    pub fn new(
        config: &KafkaConfig,
        topics: &[(&str, u32)],
        metrics: &Metrics,
        logger: Logger,
    ) -> Result<Self, SecurityError> {
        let metrics = KafkaMetrics::new(metrics);
        Ok(Self(Arc::new(Broker {
            cluster: Cluster::new(config, metrics.clone())?,
            catalog: Catalog::new(&config.topic_prefix, topics),
            lines: Pool::new(),
            readers: Pool::new(),
            request_timeout: config.request_timeout,
            metrics,
            logger,
        })))
    }

    /// Asks the brokers whether every declared topic is there as declared.
    pub async fn verify(&self) -> Result<(), VerifyError> {
        let broker = &*self.0;
        let looked = self.repeat("verify", |deadline| broker.look_up(deadline)).await;
        looked.map_err(|failure| VerifyError::Unreachable(failure.into()))?;
        VerifyError::check(broker.catalog.declared().map(|topic| (topic, broker.catalog.partitions(topic))))
    }

    async fn repeat<T, F>(
        &self,
        operation: &'static str,
        attempt: impl Fn(Instant) -> F + Send,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        repeat(operation, self.0.request_timeout, &self.0.metrics, attempt).await
    }
}

#[async_trait]
impl EventLog for KafkaEventLog {
    async fn partitions(&self, topic: &str) -> Result<u32, LogError> {
        const OPERATION: &str = "count partitions";
        let counted = self.repeat(OPERATION, |deadline| self.0.partitions(topic, deadline)).await;
        counted.map_err(failed(OPERATION))
    }

    async fn partition_of(&self, topic: &str, key: &str) -> Result<u32, LogError> {
        Ok(partition_for(key.as_bytes(), self.partitions(topic).await?))
    }

    async fn append(
        &self,
        topic: &str,
        partition: u32,
        messages: &[OutboundMessage],
    ) -> Result<(), LogError> {
        const OPERATION: &str = "append";
        let place = Place { topic: topic.to_owned(), partition };
        let mut requests = requests(messages);
        while let Some(request) = requests.pop_front() {
            let send = |deadline| self.0.try_send(&place, request, deadline);
            match self.repeat(OPERATION, send).await {
                Ok(()) => {}
                // The topic allows less than usual.
                Err(Failure::TooLarge) if request.len() > 1 => {
                    let (first, second) = request.split_at(request.len() / 2);
                    requests.push_front(second);
                    requests.push_front(first);
                }
                Err(failure) => return Err(failed(OPERATION)(failure)),
            }
        }
        Ok(())
    }

    async fn fetch(
        &self,
        topic: &str,
        partition: u32,
        offset: i64,
        max: u32,
        wait: Duration,
    ) -> Result<Vec<Record>, LogError> {
        const OPERATION: &str = "fetch";
        let (place, answer) = (Place { topic: topic.to_owned(), partition }, self.0.request_timeout);
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let until = Instant::now() + wait;
        let fetch = |deadline| self.0.try_fetch(&place, Wanted { offset, max, until, deadline });
        let fetched = repeat(OPERATION, wait + answer, &self.0.metrics, fetch).await;
        let records = fetched.map_err(|failure| match failure {
            Failure::OutOfRange(offset) => {
                LogError::OutOfRange { topic: topic.to_owned(), partition, offset }
            }
            other => failed(OPERATION)(other),
        })?;
        Ok(records.into_iter().map(|record| record::read(&place, record)).collect())
    }

    async fn bounds(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError> {
        const OPERATION: &str = "read bounds";
        let place = Place { topic: topic.to_owned(), partition };
        let read = self.repeat(OPERATION, |deadline| self.0.try_bounds(&place, deadline)).await;
        read.map_err(failed(OPERATION))
    }
}

fn failed(operation: &'static str) -> impl FnOnce(Failure) -> LogError {
    move |failure| match failure {
        Failure::UnknownTopic(topic) => LogError::UnknownTopic(topic),
        other => LogError::Unavailable { operation, source: other.into() },
    }
}
