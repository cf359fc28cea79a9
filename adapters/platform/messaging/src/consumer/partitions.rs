//! Which partitions this process reads: takes, gives up, and starts the readers.

use std::{sync::Arc, time::Duration};

use kernel_application::{BoxError, StoreError, messaging::partition_for};
use platform_telemetry::chain;
use slog::{Logger, info, o, warn};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    ConsumerParts,
    reader::{Reader, TurnEnd},
    share::{Step, next_step},
};
use crate::{
    backoff::Backoff,
    lease::{LEASE, RENEWAL},
    stop::Stop,
};

/// How many partitions of others a process asks for in one period: what it finds held costs the store a query each.
const ASKS: usize = 16;

/// The partitions of all topics of one consumer, and the readers of those that are ours.
///
/// Shares are counted over all topics together, so that two topics of six partitions spread over more than six replicas.
pub(super) struct Partitions {
    parts: Arc<ConsumerParts>,
    unknown: Vec<&'static str>,
    slots: Vec<Slot>,
    readers: JoinSet<(usize, TurnEnd)>,
    live: Option<(Instant, u32)>,
    next: usize,
    backoff: Backoff,
    rests_until: Instant,
}

/// One partition.
struct Slot {
    topic: &'static str,
    partition: u32,
    logger: Logger,
    /// The signal of the reader, where there is one.
    reader: Option<watch::Sender<bool>>,
    backoff: Backoff,
    rests_until: Instant,
    /// Whether the log has answered for this partition before.
    reached: bool,
}

impl Partitions {
    pub(super) fn new(parts: Arc<ConsumerParts>, topics: &[&'static str]) -> Self {
        Self {
            parts,
            unknown: topics.to_vec(),
            slots: Vec::new(),
            readers: JoinSet::new(),
            live: None,
            next: 0,
            backoff: Backoff::new(),
            rests_until: Instant::now(),
        }
    }

    /// One step towards the fair share. Failures are logged here and tried again after a pause.
    pub(super) async fn balance(&mut self) {
        while let Some(ended) = self.readers.try_join_next() {
            self.ended(ended);
        }
        if Instant::now() < self.rests_until {
            return;
        }
        let outcome = self.step().await;
        match outcome {
            Ok(()) => self.backoff.reset(),
            Err(failure) => {
                warn!(self.parts.logger, "partitions cannot be shared for now"; "error" => chain(&*failure));
                self.rests_until = Instant::now() + self.backoff.next();
            }
        }
    }

    /// Stops all readers, at the end of the record each has in hand, and says that this process is gone.
    pub(super) async fn give_up_all(mut self) {
        for slot in &self.slots {
            slot.give_up();
        }
        while let Some(ended) = self.readers.join_next().await {
            self.ended(ended);
        }
        if let Err(failure) = self.parts.inbox.leave(self.parts.name, &self.parts.owner).await {
            warn!(self.parts.logger, "others will miss this process late"; "error" => %failure);
        }
    }

    async fn step(&mut self) -> Result<(), BoxError> {
        let live = self.heartbeat().await?;
        let learned = self.learn_topics().await;
        let total = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let held = u32::try_from(self.readers.len()).unwrap_or(u32::MAX);
        match next_step(total, live, held) {
            Step::GiveUpOne => self.give_up_one(),
            Step::Take(count) => self.take(count).await,
            Step::Stay => {}
        }
        learned
    }

    /// Says that this process lives, as often as leases are renewed, and answers how many do.
    async fn heartbeat(&mut self) -> Result<u32, StoreError> {
        if let Some((since, live)) = self.live
            && since.elapsed() < RENEWAL
        {
            return Ok(live);
        }
        let (asked, ConsumerParts { name, inbox, owner, .. }) = (Instant::now(), &*self.parts);
        let live = inbox.join(name, owner, LEASE).await?;
        self.live = Some((asked, live));
        Ok(live)
    }

    /// Adds the partitions of topics that have come to exist; the last failure where some still do not.
    async fn learn_topics(&mut self) -> Result<(), BoxError> {
        let mut outcome = Ok(());
        for topic in std::mem::take(&mut self.unknown) {
            match self.parts.log.partitions(topic).await {
                Ok(partitions) => {
                    self.slots
                        .extend((0..partitions).map(|partition| Slot::new(&self.parts, topic, partition)));
                    // Replicas that start together begin at different places, and so are seldom in each other's way.
                    let total = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
                    self.next = partition_for(self.parts.owner.as_bytes(), total) as usize;
                }
                Err(failure) => {
                    self.unknown.push(topic);
                    outcome = Err(failure.into());
                }
            }
        }
        outcome
    }

    /// One at a time, and from the topic of which most is held, so that topics stay spread over the replicas.
    fn give_up_one(&self) {
        if self.slots.iter().any(Slot::is_leaving) {
            return;
        }
        let held_of = |topic| self.slots.iter().filter(|slot| slot.topic == topic && slot.is_held()).count();
        let most = self.slots.iter().filter(|slot| slot.is_held()).max_by_key(|slot| held_of(slot.topic));
        if let Some(slot) = most {
            info!(slot.logger, "giving the partition up to another replica");
            slot.give_up();
        }
    }

    async fn take(&mut self, mut count: u32) {
        for _ in 0..self.slots.len().min(ASKS) {
            let index = self.next;
            self.next = (index + 1) % self.slots.len();
            if count == 0 || !self.slots[index].is_free() {
                continue;
            }
            match self.open(index).await {
                Ok(true) => count -= 1,
                Ok(false) => {}
                Err(failure) => self.slots[index].failed(&failure),
            }
        }
    }

    /// Takes one partition and starts its reader: `false` where another process holds it.
    async fn open(&mut self, index: usize) -> Result<bool, BoxError> {
        let (parts, slot) = (&self.parts, &mut self.slots[index]);
        if !slot.reached {
            // A consumer that is new here begins with the oldest record there is, before anybody holds the partition:
            // whoever dies after this leaves a position that another can go on from.
            let oldest = parts.log.bounds(slot.topic, slot.partition).await?.start;
            parts.inbox.begin(parts.name, slot.topic, slot.partition, oldest).await?;
            slot.reached = true;
        }
        let asked = Instant::now();
        let taken = parts.inbox.take(parts.name, slot.topic, slot.partition, &parts.owner, LEASE).await?;
        let Some(position) = taken else { return Ok(false) };
        let (stop, stopped) = watch::channel(false);
        slot.reader = Some(stop);
        let reader = Reader {
            parts: Arc::clone(parts),
            topic: slot.topic,
            partition: slot.partition,
            logger: slot.logger.clone(),
            position,
            renewed: asked,
            reported: None,
            stop: Stop::new(stopped),
        };
        self.readers.spawn(async move { (index, reader.run().await) });
        Ok(true)
    }

    fn ended(&mut self, ended: Result<(usize, TurnEnd), tokio::task::JoinError>) {
        match ended {
            Ok((index, end)) => self.slots[index].ended(end),
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            Err(_) => {}
        }
    }
}

impl Slot {
    fn new(parts: &ConsumerParts, topic: &'static str, partition: u32) -> Self {
        Self {
            topic,
            partition,
            logger: parts.logger.new(o!("topic" => topic, "partition" => partition)),
            reader: None,
            backoff: Backoff::new(),
            rests_until: Instant::now(),
            reached: false,
        }
    }

    const fn is_held(&self) -> bool {
        self.reader.is_some()
    }

    fn is_leaving(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| *reader.borrow())
    }

    fn is_free(&self) -> bool {
        self.reader.is_none() && Instant::now() >= self.rests_until
    }

    fn give_up(&self) {
        if let Some(reader) = &self.reader {
            reader.send_replace(true);
        }
    }

    fn ended(&mut self, end: TurnEnd) {
        self.reader = None;
        if end.progressed {
            self.backoff.reset();
        }
        if let Some(failure) = end.failure {
            self.failed(&failure);
        }
    }

    fn failed(&mut self, failure: &BoxError) {
        warn!(self.logger, "partition cannot be read for now"; "error" => chain(&**failure));
        self.rests_until = Instant::now() + self.backoff.next().max(Duration::from_millis(100));
    }
}
