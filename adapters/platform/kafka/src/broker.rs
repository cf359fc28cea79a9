//! One attempt at each operation: which connection it takes, and what becomes of it.

use std::{ops::Range, time::Duration};

use futures_util::future::try_join;
use kernel_application::messaging::OutboundMessage;
use rskafka::{
    client::{error::ProtocolError, partition::OffsetAt},
    record::RecordAndOffset,
};
use slog::Logger;
use tokio::time::Instant;

use crate::{
    catalog::Catalog,
    cluster::{Cluster, within},
    failure::{Failure, Verdict},
    line::{Line, Place, Pool},
    metrics::KafkaMetrics,
    produce::produce,
    reader::{Reader, Wanted},
};

/// What a log works with.
pub(crate) struct Broker {
    pub(crate) cluster: Cluster,
    pub(crate) catalog: Catalog,
    /// For appends and questions, which are answered at once.
    pub(crate) lines: Pool<Line>,
    /// For fetches, which may be answered late.
    pub(crate) readers: Pool<Reader>,
    pub(crate) request_timeout: Duration,
    pub(crate) metrics: KafkaMetrics,
    pub(crate) logger: Logger,
}

impl Broker {
    pub(crate) async fn look_up(&self, deadline: Instant) -> Result<(), Failure> {
        self.catalog.learn(&self.cluster.topics(deadline).await?);
        Ok(())
    }

    /// How many partitions a topic has. The brokers are asked only while the answer is not the one declared.
    pub(crate) async fn partitions(&self, topic: &str, deadline: Instant) -> Result<u32, Failure> {
        if let Ok(partitions) = self.catalog.partitions(topic) {
            return Ok(partitions);
        }
        self.look_up(deadline).await?;
        self.catalog.partitions(topic)
    }

    async fn open(&self, place: &Place, deadline: Instant) -> Result<Line, Failure> {
        let unknown = || Failure::UnknownTopic(place.topic.clone());
        if place.partition >= self.partitions(&place.topic, deadline).await? {
            return Err(unknown());
        }
        let partition = i32::try_from(place.partition).map_err(|_| unknown())?;
        self.cluster.open(&self.catalog.name(&place.topic), partition, deadline).await
    }

    async fn line(&self, place: &Place, deadline: Instant) -> Result<Line, Failure> {
        match self.lines.take(place, |_| true) {
            Some(line) => Ok(line),
            None => self.open(place, deadline).await,
        }
    }

    /// Draws the consequences of a failure over `line`: `Some` where it can be used again.
    async fn keep(&self, line: Line, failure: &Failure) -> Option<Line> {
        if failure.verdict() != Verdict::Reconnect {
            return Some(line);
        }
        self.cluster.discard(&line.of).await;
        None
    }

    /// What a failure means for `place`: a broker that does not know the topic may be behind, or right.
    async fn explain(&self, place: &Place, failure: Failure, deadline: Instant) -> Failure {
        if failure.code() != Some(ProtocolError::UnknownTopicOrPartition) {
            return failure;
        }
        match self.look_up(deadline).await {
            Ok(()) => self.catalog.partitions(&place.topic).err().unwrap_or(failure),
            Err(unreachable) => unreachable,
        }
    }

    pub(crate) async fn try_send(
        &self,
        place: &Place,
        messages: &[OutboundMessage],
        deadline: Instant,
    ) -> Result<(), Failure> {
        let line = self.line(place, deadline).await?;
        let started = Instant::now();
        let sent = within(deadline, produce(&line.client, messages)).await;
        if sent.is_ok() {
            self.metrics.produced(started.elapsed());
        }
        self.give_back(place, line, sent, deadline).await
    }

    pub(crate) async fn try_bounds(&self, place: &Place, deadline: Instant) -> Result<Range<i64>, Failure> {
        let line = self.line(place, deadline).await?;
        let ends =
            try_join(line.client.get_offset(OffsetAt::Earliest), line.client.get_offset(OffsetAt::Latest));
        let found = within(deadline, ends).await.map(|(start, end)| start..end);
        self.give_back(place, line, found, deadline).await
    }

    async fn give_back<T>(
        &self,
        place: &Place,
        line: Line,
        outcome: Result<T, Failure>,
        deadline: Instant,
    ) -> Result<T, Failure> {
        let line = match &outcome {
            Ok(_) => Some(line),
            Err(failure) => self.keep(line, failure).await,
        };
        if let Some(line) = line {
            self.lines.put(place, line);
        }
        match outcome {
            Ok(answer) => Ok(answer),
            Err(failure) => Err(self.explain(place, failure, deadline).await),
        }
    }

    pub(crate) async fn try_fetch(
        &self,
        place: &Place,
        wanted: Wanted,
    ) -> Result<Vec<RecordAndOffset>, Failure> {
        let deadline = wanted.deadline;
        let mut reader = match self.readers.take(place, |reader| reader.is_at(wanted.offset)) {
            Some(reader) => reader,
            None => Reader::new(self.open(place, deadline).await?),
        };
        match reader.read(wanted, &self.logger).await {
            Ok(records) => {
                self.readers.put(place, reader);
                Ok(records)
            }
            Err(failure) if failure.code() == Some(ProtocolError::OffsetOutOfRange) => {
                self.readers.put(place, reader);
                Err(Failure::OutOfRange(wanted.offset))
            }
            Err(failure) => {
                if let Some(line) = self.keep(reader.line, &failure).await {
                    self.readers.put(place, Reader::new(line));
                }
                Err(self.explain(place, failure, deadline).await)
            }
        }
    }
}
