//! Relays that run, and messages for them.

use std::{sync::Arc, time::Duration};

use kernel_application::{
    messaging::{ConsumeOutcome, MessagingObserver, OutboundMessage, OutboxStats, partition_for},
    testing::ManualClock,
};
use kernel_domain::{EventId, Timestamp};
use platform_messaging::Relay;
use slog::{Discard, Logger, o};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use uuid::Uuid;

use crate::{
    log::{MemoryLog, PARTITIONS},
    outbox::MemoryOutbox,
};

struct Nobody;

impl MessagingObserver for Nobody {
    fn outbox(&self, _: OutboxStats, _: Timestamp) {}
    fn published(&self, _: &str, _: u64) {}
    fn lag(&self, _: &str, _: u32, _: u64) {}
    fn consumed(&self, _: &str, _: ConsumeOutcome) {}
}

pub(crate) struct Running {
    pub(crate) outbox: Arc<MemoryOutbox>,
    pub(crate) log: Arc<MemoryLog>,
}

impl Running {
    pub(crate) fn new(log: MemoryLog) -> Self {
        Self { outbox: Arc::default(), log: Arc::new(log) }
    }

    /// Starts a relay that works until its task is aborted or the sender is gone.
    pub(crate) fn relay(&self, owner: &str) -> (watch::Sender<bool>, JoinHandle<()>) {
        let relay = Relay {
            outbox: self.outbox.clone(),
            log: self.log.clone(),
            clock: Arc::new(ManualClock::default()),
            observer: Arc::new(Nobody),
            owner: owner.to_owned(),
            logger: Logger::root(Discard, o!()),
        };
        let (stop, stopped) = watch::channel(false);
        (stop, tokio::spawn(relay.run(stopped)))
    }

    /// Lets virtual time go by until `reached`, at most an hour of it.
    pub(crate) async fn until(&self, reached: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_hours(1);
        while !reached(self) {
            assert!(Instant::now() < end, "{} messages still wait", self.outbox.backlog());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub(crate) fn message(key: &str, version: u64) -> OutboundMessage {
    OutboundMessage {
        event_id: EventId::from_uuid(Uuid::from_u128(version.into())),
        topic: "things".into(),
        key: key.to_owned(),
        aggregate_version: version,
        payload: vec![],
        headers: vec![],
    }
}

/// A key that belongs to `partition`.
pub(crate) fn key_of(partition: u32) -> String {
    let mut keys = (0_u32..).map(|n| format!("key-{n}"));
    keys.find(|key| partition_for(key.as_bytes(), PARTITIONS) == partition).unwrap()
}

/// Keys of all partitions but one.
pub(crate) fn keys_beside(partition: u32, count: usize) -> Vec<String> {
    let keys = (0_u32..).map(|n| format!("key-{n}"));
    keys.filter(|key| partition_for(key.as_bytes(), PARTITIONS) != partition).take(count).collect()
}

/// Numbers that look random, the same for the same seed.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
