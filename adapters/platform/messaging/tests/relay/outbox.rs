//! An outbox whose transactions take their ids before they commit, as those of database servers do.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kernel_application::{
    StoreError,
    messaging::{OutboundMessage, Outbox, OutboxStats, StoredMessage},
};
use tokio::{sync::Notify, time::Instant};

#[derive(Default)]
pub(crate) struct MemoryOutbox {
    state: Mutex<State>,
    written: Notify,
    /// While set, the store does not answer those who ask for the lease.
    pub(crate) no_leases: AtomicBool,
    pub(crate) asked_for_stats: AtomicU64,
    /// How many milliseconds a read takes, if more than usual.
    pub(crate) slow_reads: AtomicU64,
    /// How many bytes the payload of a message has when it is read.
    pub(crate) weight: AtomicUsize,
    /// The payloads of each page that was read, in bytes.
    pub(crate) read: Mutex<Vec<usize>>,
}

#[derive(Default)]
struct State {
    last: i64,
    /// Unpublished rows that are committed.
    rows: BTreeMap<i64, OutboundMessage>,
    lease: Option<(String, Instant)>,
}

impl MemoryOutbox {
    /// The id of a row that is written, but not committed.
    pub(crate) fn begin(&self) -> i64 {
        let mut state = self.state();
        state.last += 1;
        state.last
    }

    pub(crate) fn commit(&self, id: i64, message: OutboundMessage) {
        self.state().rows.insert(id, message);
        self.written.notify_one();
    }

    pub(crate) fn write(&self, message: OutboundMessage) {
        let id = self.begin();
        self.commit(id, message);
    }

    pub(crate) fn backlog(&self) -> usize {
        self.state().rows.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn lease(&self, owner: &str, ttl: Duration) -> Result<bool, StoreError> {
        if self.no_leases.load(Ordering::Relaxed) {
            let source = "does not answer".into();
            return Err(StoreError::Unavailable { store: "outbox", operation: "lease relay", source });
        }
        let mut state = self.state();
        let free =
            state.lease.as_ref().is_none_or(|(holder, until)| holder == owner || *until < Instant::now());
        if free {
            state.lease = Some((owner.to_owned(), Instant::now() + ttl));
        }
        Ok(free)
    }

    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<StoredMessage>, StoreError> {
        // A read takes its time, so that others commit between two of them.
        let takes = self.slow_reads.load(Ordering::Relaxed).max(3);
        tokio::time::sleep(Duration::from_millis(takes)).await;
        let payload = vec![0; self.weight.load(Ordering::Relaxed)];
        let weighed =
            |message: &OutboundMessage| OutboundMessage { payload: payload.clone(), ..message.clone() };
        let rows: Vec<_> = self
            .state()
            .rows
            .range(after + 1..)
            .take(limit as usize)
            .map(|(id, message)| StoredMessage { id: *id, message: weighed(message) })
            .collect();
        self.read.lock().unwrap().push(rows.len() * payload.len());
        Ok(rows)
    }

    async fn mark_published(&self, ids: &[i64]) -> Result<(), StoreError> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let mut state = self.state();
        for id in ids {
            state.rows.remove(id);
        }
        Ok(())
    }

    async fn purge(&self, _: Duration) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn stats(&self) -> Result<OutboxStats, StoreError> {
        self.asked_for_stats.fetch_add(1, Ordering::Relaxed);
        Ok(OutboxStats { backlog: self.backlog() as u64, oldest: None })
    }

    async fn wait(&self) {
        self.written.notified().await;
    }
}
