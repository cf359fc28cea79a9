//! Sorts what was read from the outbox into batches, and leaves what must not be sent yet.
//!
//! Two rules keep the order of a key. A lane that had to leave a message leaves all later ones of the round. And beyond
//! the first page only messages are sent that the round before came across, too: a transaction that took its ids early
//! and committed between two reads would else be overtaken by what its key did afterwards. What was seen a round ago
//! was committed then, and so was everything before it, which this round has therefore read on its way.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel_application::messaging::{EventLog, OutboundMessage, StoredMessage, partition_for};
use platform_telemetry::chain;
use slog::{Logger, error};

use super::{
    lanes::{Batch, Lane, Lanes},
    rests::Rests,
};

/// One round's view of the outbox.
pub(super) struct Sorter<'a> {
    log: &'a dyn EventLog,
    topics: &'a mut Rests<String>,
    logger: &'a Logger,
    /// Partitions of each topic met so far; `None` where they are not to be had now.
    partitions: HashMap<String, Option<u32>>,
    /// Lanes that leave everything for the rest of the round, and those of them that are busy or resting.
    held: HashSet<Lane>,
    away: HashSet<Lane>,
    seen_before: &'a [i64],
    seen: Vec<i64>,
    first_page: bool,
    left_some: bool,
}

impl<'a> Sorter<'a> {
    /// A round after one that came across the ids of `seen_before`, in ascending order.
    pub(super) fn new(
        log: &'a dyn EventLog,
        topics: &'a mut Rests<String>,
        seen_before: &'a [i64],
        logger: &'a Logger,
    ) -> Self {
        Self {
            log,
            topics,
            logger,
            partitions: HashMap::new(),
            held: HashSet::new(),
            away: HashSet::new(),
            seen_before,
            seen: Vec::new(),
            first_page: true,
            left_some: false,
        }
    }

    /// The batches of one page that may be sent now.
    pub(super) async fn sort(&mut self, page: Vec<StoredMessage>, lanes: &Lanes) -> BTreeMap<Lane, Batch> {
        let mut batches = BTreeMap::<Lane, Batch>::new();
        for stored in page {
            self.seen.push(stored.id);
            let Some(lane) = self.lane_of(&stored.message).await else {
                self.left_some = true;
                continue;
            };
            let may_go = self.first_page || self.seen_before.binary_search(&stored.id).is_ok();
            if !lanes.is_open(&lane) {
                self.hold([lane]);
            } else if self.held.contains(&lane) || !may_go {
                self.left_some = true;
                self.held.insert(lane);
            } else {
                batches.entry(lane).or_default().push(stored);
            }
        }
        self.first_page = false;
        batches
    }

    /// Sends nothing more in this round by these lanes, which are busy or resting.
    pub(super) fn hold(&mut self, lanes: impl IntoIterator<Item = Lane>) {
        for lane in lanes {
            self.left_some = true;
            self.held.insert(lane.clone());
            self.away.insert(lane);
        }
    }

    /// Whether anything read so far has to wait.
    pub(super) const fn has_left_some(&self) -> bool {
        self.left_some
    }

    /// Whether reading on is of no use, because every lane of the topics met is away.
    pub(super) fn is_cut_off(&self) -> bool {
        let lanes: u32 = self.partitions.values().flatten().sum();
        self.away.len() >= lanes as usize
    }

    /// How many messages this round came across.
    pub(super) const fn has_seen(&self) -> usize {
        self.seen.len()
    }

    /// The ids this round came across, in ascending order.
    pub(super) fn into_seen(self) -> Vec<i64> {
        self.seen
    }

    async fn lane_of(&mut self, message: &OutboundMessage) -> Option<Lane> {
        let topic = &message.topic;
        let partitions = match self.partitions.get(topic) {
            Some(known) => *known,
            None => self.look_up(topic).await,
        }?;
        Some((topic.clone(), partition_for(message.key.as_bytes(), partitions)))
    }

    /// Asks once per round, and for a topic that is not to be had less and less often.
    async fn look_up(&mut self, topic: &str) -> Option<u32> {
        let name = topic.to_owned();
        let partitions = if self.topics.is_resting(&name) {
            None
        } else {
            match self.log.partitions(topic).await {
                Ok(partitions) => {
                    self.topics.recovered(&name);
                    Some(partitions)
                }
                Err(failure) => {
                    error!(self.logger, "messages have nowhere to go, will try again";
                        "topic" => topic, "error" => chain(&failure));
                    self.topics.failed(name.clone());
                    None
                }
            }
        };
        self.partitions.insert(name, partitions);
        partitions
    }
}
