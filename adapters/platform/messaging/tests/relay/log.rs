//! A log that fails as a schedule says.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
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
    /// Payloads of appends that have not been answered, in bytes, and the most there were at once.
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl MemoryLog {
    pub(crate) fn new(schedule: impl FnMut(u32) -> (Duration, End) + Send + 'static) -> Self {
        Self {
            schedule: Mutex::new(Box::new(schedule)),
            appended: Mutex::default(),
            under_way: AtomicUsize::default(),
            most_under_way: AtomicUsize::default(),
        }
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

    pub(crate) fn most_under_way(&self) -> usize {
        self.most_under_way.load(Ordering::Relaxed)
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
        let bytes: usize = messages.iter().map(|message| message.payload.len()).sum();
        let all = self.under_way.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most_under_way.fetch_max(all, Ordering::Relaxed);
        tokio::time::sleep(takes).await;
        self.under_way.fetch_sub(bytes, Ordering::Relaxed);
        if !matches!(end, End::Failed) {
            // Nobody looks at payloads here, and some tests have many that are large.
            let light = messages.iter().map(|message| OutboundMessage { payload: vec![], ..message.clone() });
            self.appended().entry(partition).or_default().extend(light);
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
