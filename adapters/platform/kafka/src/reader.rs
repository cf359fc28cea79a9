//! Reads one partition, ahead of what is asked for.

use std::{collections::VecDeque, time::Duration};

use rskafka::record::RecordAndOffset;
use slog::{Logger, warn};
use tokio::time::{Instant, sleep};

use crate::{cluster::within, failure::Failure, line::Line};

/// A fetch brings at most this much, or one batch where a batch is larger.
const FETCH_BYTES: i32 = 256 * 1024;
/// What makes a broker send a single batch: less than one is never sent.
const ONE_BATCH: i32 = 2;
/// How long to wait before asking again for records that are there and do not show.
const PAUSE: Duration = Duration::from_millis(50);

/// A line with the records that came along and were not asked for yet: brokers send whole batches, and to send one again
/// for every hundred records of it would be most of the work.
pub(crate) struct Reader {
    pub(crate) line: Line,
    next: i64,
    ahead: VecDeque<RecordAndOffset>,
    warned_at: Option<i64>,
}

/// What to read.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// From this offset on.
    pub(crate) offset: i64,
    /// At most so many.
    pub(crate) max: usize,
    /// Wait until then where there is none.
    pub(crate) until: Instant,
    /// An answer that is not there by then does not come.
    pub(crate) deadline: Instant,
}

impl Reader {
    pub(crate) const fn new(line: Line) -> Self {
        Self { line, next: 0, ahead: VecDeque::new(), warned_at: None }
    }

    /// Whether the records from `offset` on are here already.
    pub(crate) fn is_at(&self, offset: i64) -> bool {
        self.next == offset && !self.ahead.is_empty()
    }

    pub(crate) async fn read(
        &mut self,
        wanted: Wanted,
        logger: &Logger,
    ) -> Result<Vec<RecordAndOffset>, Failure> {
        if !self.is_at(wanted.offset) {
            self.ahead.clear();
            self.next = wanted.offset;
            self.fill(wanted, logger).await?;
        }
        let count = self.ahead.len().min(wanted.max);
        let records: Vec<_> = self.ahead.drain(..count).collect();
        if let Some(last) = records.last() {
            self.next = last.offset.saturating_add(1);
        }
        Ok(records)
    }

    async fn fill(&mut self, wanted: Wanted, logger: &Logger) -> Result<(), Failure> {
        let (mut from, mut bytes) = (wanted.offset, FETCH_BYTES);
        loop {
            match self.fetch(from, bytes, wanted).await {
                Ok((records, end)) => {
                    self.ahead.extend(records);
                    let rest = wanted.until.saturating_duration_since(Instant::now());
                    if !self.ahead.is_empty() || rest.is_zero() {
                        return Ok(());
                    }
                    // A transaction that is open may still commit what is there: it must not be skipped.
                    self.warn_if(end > from, from, logger);
                    sleep(rest.min(PAUSE)).await;
                }
                // Alone in its batch, the mark is the record at `from`.
                Err(failure) if failure.is_mark() => {
                    self.warn_if(bytes == ONE_BATCH, from, logger);
                    from += i64::from(bytes == ONE_BATCH);
                    bytes = ONE_BATCH;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn fetch(
        &self,
        from: i64,
        bytes: i32,
        wanted: Wanted,
    ) -> Result<(Vec<RecordAndOffset>, i64), Failure> {
        let wait = wanted.until.saturating_duration_since(Instant::now());
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        within(wanted.deadline, self.line.client.fetch_records(from, 1..bytes, wait_ms)).await
    }

    /// Says once per offset that a transactional producer writes here: records it aborted look like any other.
    fn warn_if(&mut self, transactional: bool, offset: i64, logger: &Logger) {
        if transactional && self.warned_at.replace(offset) != Some(offset) {
            warn!(logger, "a transactional producer writes to this topic, which it must not";
                "topic" => self.line.client.topic(), "partition" => self.line.client.partition(),
                "offset" => offset);
        }
    }
}
