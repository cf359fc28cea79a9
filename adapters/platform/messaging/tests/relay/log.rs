//! A log that fails as a schedule says.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use kernel_application::messaging::{EventLog, LogError, OutboundMessage, Record, partition_for};

pub(crate) const PARTITIONS: u32 = 4;

/// How an append ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// As it should.
    Well,
    /// Nothing was appended.
    Failed,
    /// Everything was appended, and the answer lost.
    AnswerLost,
}

/// Says how long an append to a partition takes, and how it ends.
pub(crate) type Schedule = Box<dyn FnMut(u32) -> (Duration, End) + Send>;

pub(crate) struct MemoryLog {
    schedule: Mutex<Schedule>,
    appended: Mutex<BTreeMap<u32, Vec<OutboundMessage>>>,
}

impl MemoryLog {
    pub(crate) fn new(schedule: impl FnMut(u32) -> (Duration, End) + Send + 'static) -> Self {
        Self { schedule: Mutex::new(Box::new(schedule)), appended: Mutex::default() }
    }

    /// From now on everything ends well.
    pub(crate) fn heals(&self) {
        *self.schedule.lock().unwrap() = Box::new(|_| (Duration::from_millis(1), End::Well));
    }

    /// The versions of each key in the order of their first occurrence.
    pub(crate) fn first_occurrences(&self) -> BTreeMap<String, Vec<u64>> {
        let mut versions = BTreeMap::<String, Vec<u64>>::new();
        for message in self.appended().values().flatten() {
            let of_key = versions.entry(message.key.clone()).or_default();
            if !of_key.contains(&message.aggregate_version) {
                of_key.push(message.aggregate_version);
            }
        }
        versions
    }

    pub(crate) fn count(&self, partition: u32) -> usize {
        self.appended().get(&partition).map_or(0, Vec::len)
    }

    fn appended(&self) -> MutexGuard<'_, BTreeMap<u32, Vec<OutboundMessage>>> {
        self.appended.lock().unwrap()
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn partitions(&self, _: &str) -> Result<u32, LogError> {
        Ok(PARTITIONS)
    }

    async fn partition_of(&self, _: &str, key: &str) -> Result<u32, LogError> {
        Ok(partition_for(key.as_bytes(), PARTITIONS))
    }

    async fn append(&self, _: &str, partition: u32, messages: &[OutboundMessage]) -> Result<(), LogError> {
        let (takes, end) = (self.schedule.lock().unwrap())(partition);
        tokio::time::sleep(takes).await;
        if !matches!(end, End::Failed) {
            self.appended().entry(partition).or_default().extend_from_slice(messages);
        }
        match end {
            End::Well => Ok(()),
            End::Failed | End::AnswerLost => {
                Err(LogError::Unavailable { operation: "append", source: "as scheduled".into() })
            }
        }
    }

    async fn fetch(&self, _: &str, _: u32, _: i64, _: u32, _: Duration) -> Result<Vec<Record>, LogError> {
        Ok(vec![])
    }

    async fn bounds(&self, _: &str, partition: u32) -> Result<Range<i64>, LogError> {
        Ok(0..i64::try_from(self.count(partition)).unwrap())
    }
}
