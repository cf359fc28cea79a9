//! What every outbox has to do.

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{task::JoinSet, time::timeout};

use super::{LONG, PATIENCE, SHORT, eventually, message, minutes_since};
use crate::{
    StoreError,
    messaging::{FIRST, MAX_PAYLOAD, OutboundMessage, Outbox, PURGE_LIMIT, StoredMessage},
};

const TOPIC: &str = "things";

/// An outbox that is empty at first.
#[async_trait]
pub trait OutboxBench: Send + Sync + 'static {
    /// The reading side.
    fn outbox(&self) -> Arc<dyn Outbox>;

    /// Writes messages the way repositories do, in one transaction.
    async fn enqueue(&self, messages: &[OutboundMessage]) -> Result<(), StoreError>;
}

/// Runs the suite, each case on a bench of its own from `make`.
pub async fn all<B: OutboxBench>(make: impl AsyncFn() -> B) {
    gives_messages_unchanged_in_order(&make().await).await;
    reads_on_after_an_id(&make().await).await;
    gives_a_message_until_it_is_marked(&make().await).await;
    a_failed_write_leaves_nothing(&make().await).await;
    parallel_writers_lose_nothing(make().await).await;
    counts_what_waits(&make().await).await;
    purges_what_is_published_bit_by_bit(&make().await).await;
    one_relay_works_at_a_time(&make().await).await;
    one_of_many_gets_the_lease(make().await).await;
    a_write_wakes_who_waits(make().await).await;
}

/// Payload, headers and the rest come back as they went, in the order of their transactions.
pub async fn gives_messages_unchanged_in_order(bench: &impl OutboxBench) {
    let all: Vec<_> = (1..=7).map(|n| message(n, TOPIC, if n % 2 == 0 { "a" } else { "b" })).collect();
    for transaction in all.chunks(3) {
        bench.enqueue(transaction).await.unwrap();
    }
    let pending = pending(bench).await;
    assert_eq!(messages(&pending), all);
    assert!(pending[0].id > FIRST && pending.is_sorted_by(|a, b| a.id < b.id), "ids ascend");
}

/// Pages that begin after the last id seen hold everything once, however small they are.
pub async fn reads_on_after_an_id(bench: &impl OutboxBench) {
    let all: Vec<_> = (1..=10).map(|n| message(n, TOPIC, "a")).collect();
    bench.enqueue(&all).await.unwrap();
    let (outbox, mut after, mut read) = (bench.outbox(), FIRST, vec![]);
    loop {
        let page = outbox.pending(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = last.id;
        read.extend(messages(&page));
    }
    assert_eq!(read, all);
}

/// A message is given again and again until it is marked; marking twice, or nothing, is no error.
pub async fn gives_a_message_until_it_is_marked(bench: &impl OutboxBench) {
    let outbox = bench.outbox();
    bench.enqueue(&(1..=4).map(|n| message(n, TOPIC, "a")).collect::<Vec<_>>()).await.unwrap();
    let before = pending(bench).await;
    assert_eq!(pending(bench).await, before);
    outbox.mark_published(&[before[1].id, before[2].id]).await.unwrap();
    outbox.mark_published(&[before[1].id]).await.unwrap();
    outbox.mark_published(&[]).await.unwrap();
    assert_eq!(pending(bench).await, [before[0].clone(), before[3].clone()]);
}

/// A payload over the cap is refused when it is written, and takes its transaction with it.
pub async fn a_failed_write_leaves_nothing(bench: &impl OutboxBench) {
    let sized = |n, size| OutboundMessage { payload: vec![0xab; size], ..message(n, TOPIC, "a") };
    let refused = bench.enqueue(&[message(1, TOPIC, "a"), sized(2, MAX_PAYLOAD + 1)]).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(pending(bench).await, []);
    bench.enqueue(&[sized(3, MAX_PAYLOAD)]).await.unwrap();
    assert_eq!(messages(&pending(bench).await), [sized(3, MAX_PAYLOAD)]);
}

/// Of many writers at once every message is there, and each writer's in its order.
pub async fn parallel_writers_lose_nothing(bench: impl OutboxBench) {
    const WRITERS: u128 = 10;
    const EACH: u128 = 5;
    let bench = Arc::new(bench);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let bench = Arc::clone(&bench);
        writers.spawn(async move {
            for n in 0..EACH {
                let message = message(writer * 100 + n, TOPIC, &writer.to_string());
                bench.enqueue(&[message]).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let mut by_key = BTreeMap::<_, Vec<_>>::new();
    for StoredMessage { message, .. } in pending(&*bench).await {
        by_key.entry(message.key).or_default().push(message.aggregate_version);
    }
    assert_eq!(by_key.len() as u128, WRITERS);
    assert!(by_key.values().all(|of_key| of_key.len() as u128 == EACH && of_key.is_sorted()), "{by_key:?}");
}

/// Backlog and oldest speak of what is not yet published.
pub async fn counts_what_waits(bench: &impl OutboxBench) {
    let outbox = bench.outbox();
    let empty = outbox.stats().await.unwrap();
    assert_eq!((empty.backlog, empty.oldest), (0, None));
    bench.enqueue(&[message(1, TOPIC, "a")]).await.unwrap();
    let first = outbox.stats().await.unwrap();
    bench.enqueue(&[message(2, TOPIC, "a"), message(3, TOPIC, "b")]).await.unwrap();
    let all = outbox.stats().await.unwrap();
    assert_eq!((first.backlog, all.backlog), (1, 3));
    assert_eq!(first.oldest, all.oldest);
    let age = minutes_since(all.oldest.unwrap());
    assert!(age.abs() < 5, "written just now, not {age} minutes ago");
    let ids = pending(bench).await.iter().map(|stored| stored.id).collect::<Vec<_>>();
    outbox.mark_published(&ids).await.unwrap();
    assert_eq!(outbox.stats().await.unwrap(), empty);
}

/// Published messages go once their time is over, at most [`PURGE_LIMIT`] at a time; others never.
pub async fn purges_what_is_published_bit_by_bit(bench: &impl OutboxBench) {
    let outbox = bench.outbox();
    let count = u128::from(PURGE_LIMIT) * 2 + 10;
    bench.enqueue(&(1..=count).map(|n| message(n, TOPIC, "a")).collect::<Vec<_>>()).await.unwrap();
    let (last, published) =
        pending(bench).await.split_last().map(|(last, rest)| (last.clone(), rest.to_vec())).unwrap();
    outbox.mark_published(&published.iter().map(|stored| stored.id).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(outbox.purge(LONG).await.unwrap(), 0, "they are younger than that");
    let mut removed = 0;
    eventually(async || {
        let now = outbox.purge(Duration::ZERO).await.unwrap();
        assert!(now <= PURGE_LIMIT.into(), "{now} at once");
        removed += now;
        (removed >= published.len() as u64).then_some(())
    })
    .await;
    assert_eq!(outbox.purge(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(pending(bench).await, [last]);
}

/// The lease has one owner, who may renew it; when it is over another takes it.
pub async fn one_relay_works_at_a_time(bench: &impl OutboxBench) {
    let outbox = bench.outbox();
    assert!(outbox.lease("a", LONG).await.unwrap());
    assert!(outbox.lease("a", LONG).await.unwrap(), "the owner renews it");
    assert!(!outbox.lease("b", LONG).await.unwrap());
    assert!(outbox.lease("a", SHORT).await.unwrap(), "to a shorter time as well");
    eventually(async || outbox.lease("b", LONG).await.unwrap().then_some(())).await;
    assert!(!outbox.lease("a", LONG).await.unwrap());
}

/// Of many relays that ask at once, one gets the lease.
pub async fn one_of_many_gets_the_lease(bench: impl OutboxBench) {
    let mut asking = JoinSet::new();
    for n in 0..20 {
        let outbox = bench.outbox();
        asking.spawn(async move { outbox.lease(&n.to_string(), LONG).await.unwrap() });
    }
    let holders = asking.join_all().await.into_iter().filter(|leased| *leased).count();
    assert_eq!(holders, 1);
}

/// A write ends a wait, be it under way or yet to come.
pub async fn a_write_wakes_who_waits(bench: impl OutboxBench) {
    bench.enqueue(&[message(1, TOPIC, "a")]).await.unwrap();
    timeout(PATIENCE, bench.outbox().wait()).await.unwrap();
    let outbox = bench.outbox();
    let waiting = tokio::spawn(async move { timeout(PATIENCE, outbox.wait()).await });
    tokio::task::yield_now().await;
    bench.enqueue(&[message(2, TOPIC, "a")]).await.unwrap();
    waiting.await.unwrap().unwrap();
}

async fn pending(bench: &impl OutboxBench) -> Vec<StoredMessage> {
    bench.outbox().pending(FIRST, 10_000).await.unwrap()
}

fn messages(stored: &[StoredMessage]) -> Vec<OutboundMessage> {
    stored.iter().map(|stored| stored.message.clone()).collect()
}
