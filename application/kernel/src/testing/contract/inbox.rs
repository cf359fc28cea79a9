//! What every inbox has to do, together with the writes that settle its deliveries.

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a suite fails by panicking")]

mod leases;
mod settling;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

pub use self::{leases::*, settling::*};
use super::{LONG, event_id};
use crate::{
    StoreError,
    messaging::{Delivery, FIRST, Inbox, OutboundMessage, Outbox, Position},
};

const CONSUMER: &str = "c";
const TOPIC: &str = "things";

/// An inbox that is empty at first, in the store of the effects.
#[async_trait]
pub trait InboxBench: Send + Sync + 'static {
    /// The inbox.
    fn inbox(&self) -> Arc<dyn Inbox>;

    /// The outbox of the same store, where dead letters go.
    fn outbox(&self) -> Arc<dyn Outbox>;

    /// A write that settles `delivery` and adds one to [`InboxBench::effects`].
    async fn apply(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// The same write, refused by the store for a reason of its own (a lost version check, say): MUST fail.
    async fn apply_in_vain(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// How many effects there are.
    async fn effects(&self) -> u64;
}

/// Runs the suite, each case on a bench of its own from `make`.
pub async fn all<B: InboxBench>(make: impl AsyncFn() -> B) {
    counts_who_is_alive(&make().await).await;
    a_new_consumer_begins_where_it_is_told(&make().await).await;
    a_partition_has_one_owner(&make().await).await;
    a_lease_that_is_over_is_taken_over(&make().await).await;
    a_renewed_lease_lasts(&make().await).await;
    a_released_partition_is_free_at_once(&make().await).await;
    one_of_many_takes_a_partition(make().await).await;
    an_event_is_applied_once_and_moves_the_position(&make().await).await;
    an_old_epoch_is_fenced_off(&make().await).await;
    another_offset_is_fenced_off(&make().await).await;
    a_duplicate_keeps_the_move(&make().await).await;
    a_refused_write_leaves_nothing(&make().await).await;
    of_parallel_writes_one_has_an_effect(make().await).await;
    attempts_count_until_the_record_is_passed(&make().await).await;
    a_record_without_effect_is_passed(&make().await).await;
    a_dead_letter_moves_on_and_is_not_remembered(&make().await).await;
    takes_the_largest_and_oddest_dead_letter(&make().await).await;
    forgets_what_is_old(&make().await).await;
}

async fn take(bench: &impl InboxBench, owner: &str, ttl: Duration) -> Option<Position> {
    bench.inbox().take(CONSUMER, TOPIC, 0, owner, ttl).await.unwrap()
}

/// Partition 0, held by "a" for good.
async fn held(bench: &impl InboxBench) -> Position {
    take(bench, "a", LONG).await.unwrap()
}

/// The next offset, as who takes the partition sees it.
async fn next_offset(bench: &impl InboxBench) -> i64 {
    held(bench).await.next_offset
}

/// The delivery of event number `event` as the record at `position`.
fn delivery(Position { epoch, next_offset }: Position, event: u128) -> Delivery {
    Delivery {
        consumer: CONSUMER.to_owned(),
        topic: TOPIC.to_owned(),
        partition: 0,
        epoch,
        expected: next_offset,
        next: next_offset + 1,
        event_id: Some(event_id(event)),
    }
}

const fn moved(position: Position) -> Position {
    Position { next_offset: position.next_offset + 1, ..position }
}

async fn seen(bench: &impl InboxBench, event: u128) -> bool {
    bench.inbox().seen(CONSUMER, event_id(event)).await.unwrap()
}

/// What lies in the outbox for the topic's dead letters.
async fn dead_letters(bench: &impl InboxBench) -> Vec<OutboundMessage> {
    let pending = bench.outbox().pending(FIRST, 1_000).await.unwrap();
    pending.into_iter().map(|stored| stored.message).filter(|message| message.topic == DEAD).collect()
}

const DEAD: &str = "things.dlq";
