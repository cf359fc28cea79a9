//! The lanes to the log, one per partition: each carries one batch at a time, all of them at once.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use kernel_application::messaging::{EventLog, LogError, MessagingObserver, OutboundMessage, StoredMessage};
use platform_telemetry::chain;
use slog::{Logger, error};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, timeout_at},
};

use super::rests::Rests;

/// A topic's partition.
pub(super) type Lane = (String, u32);

/// Messages for one lane, in order.
#[derive(Default)]
pub(super) struct Batch {
    ids: Vec<i64>,
    messages: Vec<OutboundMessage>,
}

impl Batch {
    pub(super) fn push(&mut self, stored: StoredMessage) {
        self.ids.push(stored.id);
        self.messages.push(stored.message);
    }
}

/// What came of a batch.
struct Answer {
    lane: Lane,
    ids: Vec<i64>,
    result: Result<(), LogError>,
}

pub(super) struct Lanes {
    log: Arc<dyn EventLog>,
    observer: Arc<dyn MessagingObserver>,
    logger: Logger,
    under_way: JoinSet<Answer>,
    busy: HashSet<Lane>,
    /// Lanes that failed since the last batches were sent: their rest may be over before the answers of others are in.
    failed: HashSet<Lane>,
    rests: Rests<Lane>,
    acknowledged: Vec<i64>,
}

impl Lanes {
    pub(super) fn new(log: Arc<dyn EventLog>, observer: Arc<dyn MessagingObserver>, logger: Logger) -> Self {
        Self {
            log,
            observer,
            logger,
            under_way: JoinSet::new(),
            busy: HashSet::new(),
            failed: HashSet::new(),
            rests: Rests::new(),
            acknowledged: Vec::new(),
        }
    }

    /// Whether the lane may be given a batch now.
    pub(super) fn is_open(&self, lane: &Lane) -> bool {
        !self.busy.contains(lane) && !self.rests.is_resting(lane)
    }

    /// Sends batches and waits, not longer than `patience`, for the answers; the lanes that failed or are slow.
    pub(super) async fn send(&mut self, batches: BTreeMap<Lane, Batch>, patience: Duration) -> Vec<Lane> {
        self.failed.clear();
        let sent: Vec<_> = batches.keys().cloned().collect();
        for (lane, batch) in batches {
            self.busy.insert(lane.clone());
            let log = Arc::clone(&self.log);
            self.under_way.spawn(async move {
                let result = log.append(&lane.0, lane.1, &batch.messages).await;
                Answer { lane, ids: batch.ids, result }
            });
        }
        let until = Instant::now() + patience;
        while sent.iter().any(|lane| self.busy.contains(lane)) {
            if timeout_at(until, self.answered()).await.is_err() {
                break;
            }
        }
        sent.into_iter().filter(|lane| self.busy.contains(lane) || self.failed.contains(lane)).collect()
    }

    /// Resolves with the next answer; never where nothing is under way.
    pub(super) async fn answered(&mut self) {
        match self.under_way.join_next().await {
            Some(answer) => self.take(answer),
            None => std::future::pending().await,
        }
    }

    /// Takes the answers that have come meanwhile: a lane whose answer nobody takes would stay closed.
    pub(super) fn take_answers(&mut self) {
        while let Some(answer) = self.under_way.try_join_next() {
            self.take(answer);
        }
    }

    pub(super) async fn all_answered(&mut self) {
        while !self.under_way.is_empty() {
            self.answered().await;
        }
    }

    /// The ids of messages that are in the log and not yet marked; the caller removes what it has marked.
    pub(super) const fn acknowledged(&mut self) -> &mut Vec<i64> {
        &mut self.acknowledged
    }

    fn take(&mut self, answer: Result<Answer, JoinError>) {
        let Answer { lane, ids, result } = match answer {
            Ok(answer) => answer,
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            Err(_) => return,
        };
        self.busy.remove(&lane);
        match result {
            Ok(()) => {
                self.observer.published(&lane.0, ids.len() as u64);
                self.acknowledged.extend(ids);
                self.rests.recovered(&lane);
            }
            Err(failure) => {
                error!(self.logger, "messages wait, will try again";
                    "topic" => &lane.0, "partition" => lane.1, "error" => chain(&failure));
                self.failed.insert(lane.clone());
                self.rests.failed(lane);
            }
        }
    }
}
