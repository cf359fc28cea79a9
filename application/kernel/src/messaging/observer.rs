//! What relay and consumers report, for metrics.

use kernel_domain::Timestamp;

use super::OutboxStats;

/// Takes the figures of relay and consumers.
pub trait MessagingObserver: Send + Sync + 'static {
    /// The outbox as it is at `now`.
    fn outbox(&self, stats: OutboxStats, now: Timestamp);

    /// `count` messages reached the log.
    fn published(&self, topic: &str, count: u64);

    /// One record was dealt with.
    fn consumed(&self, topic: &str, outcome: ConsumeOutcome);

    /// How many records of a partition wait.
    fn lag(&self, topic: &str, partition: u32, records: u64);

    /// Whether a partition stands still because the log does not hold its next record, which only a person can mend.
    /// Said of a partition that is read here; one that is not [`given up`](Self::given_up) stays as it was said to be.
    fn halted(&self, _topic: &str, _partition: u32, _halted: bool) {}

    /// A partition is no longer read here: whoever reads it reports its lag, and whether it is halted.
    fn given_up(&self, _topic: &str, _partition: u32) {}
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConsumeOutcome {
    /// Its effect was written.
    Applied,
    /// It was known already.
    Duplicate,
    /// It is of no interest to this consumer.
    Ignored,
    /// It went to the dead letters.
    DeadLettered,
    /// It failed for now and is tried again.
    Retried,
}

impl ConsumeOutcome {
    /// The outcome as a metric's label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::DeadLettered => "dead_lettered",
            Self::Retried => "retried",
        }
    }
}
