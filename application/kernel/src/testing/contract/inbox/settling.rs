//! Settling: position, memory and effect move together or not at all.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{CONSUMER, DEAD, InboxBench, dead_letters, delivery, held, moved, next_offset, seen};
use crate::{
    StoreError,
    messaging::{Delivery, MAX_KEY, MAX_PAYLOAD, OutboundMessage, Position},
    testing::contract::{LONG, event_id, eventually, message},
};

/// One transaction has the effect, the move and the memory.
pub async fn an_event_is_applied_once_and_moves_the_position(bench: &impl InboxBench) {
    let position = held(bench).await;
    assert!(!seen(bench, 7).await);
    bench.apply(&delivery(position, 7)).await.unwrap();
    bench.apply(&delivery(moved(position), 8)).await.unwrap();
    assert!(seen(bench, 7).await && seen(bench, 8).await && !seen(bench, 9).await);
    assert!(!bench.inbox().seen("other", event_id(7)).await.unwrap(), "each consumer remembers for itself");
    assert_eq!((bench.effects().await, next_offset(bench).await), (2, 2));
}

/// Who lost the partition without noticing writes nothing, by whichever way.
pub async fn an_old_epoch_is_fenced_off(bench: &impl InboxBench) {
    let old = held(bench).await;
    let new = held(bench).await;
    refuses_everything(bench, &delivery(old, 7)).await;
    assert_eq!(next_offset(bench).await, new.next_offset);
}

/// A record that is not the next one is refused, be it before or after.
pub async fn another_offset_is_fenced_off(bench: &impl InboxBench) {
    let position = held(bench).await;
    refuses_everything(bench, &delivery(moved(position), 7)).await;
    bench.apply(&delivery(position, 1)).await.unwrap();
    let inbox = bench.inbox();
    let before = delivery(position, 7);
    fenced(&bench.apply(&before).await);
    fenced(&inbox.advance(&before).await);
    assert_eq!((bench.effects().await, next_offset(bench).await), (1, 1));
    assert!(!seen(bench, 7).await);
}

/// A duplicate has no effect, and the consumer gets past it.
pub async fn a_duplicate_keeps_the_move(bench: &impl InboxBench) {
    let position = held(bench).await;
    bench.apply(&delivery(position, 7)).await.unwrap();
    let again = bench.apply(&delivery(moved(position), 7)).await;
    assert!(matches!(again, Err(StoreError::AlreadyApplied)), "{again:?}");
    assert_eq!((bench.effects().await, next_offset(bench).await), (1, 2));
}

/// A write that fails for a reason of its own keeps neither move nor memory, so the next try is the first.
pub async fn a_refused_write_leaves_nothing(bench: &impl InboxBench) {
    let position = held(bench).await;
    let refused = bench.apply_in_vain(&delivery(position, 7)).await;
    assert!(refused.is_err(), "the bench promised a refusal");
    assert!(!seen(bench, 7).await);
    assert_eq!(bench.effects().await, 0);
    bench.apply(&delivery(position, 7)).await.unwrap();
    assert_eq!((bench.effects().await, next_offset(bench).await), (1, 1));
}

/// Of many that write one delivery at once, one has an effect; the others hear that they lost.
pub async fn of_parallel_writes_one_has_an_effect(bench: impl InboxBench) {
    let bench = Arc::new(bench);
    let delivery = delivery(held(&*bench).await, 7);
    let mut writers = JoinSet::new();
    for _ in 0..20 {
        let (bench, delivery) = (Arc::clone(&bench), delivery.clone());
        writers.spawn(async move { bench.apply(&delivery).await });
    }
    let (applied, lost): (Vec<_>, Vec<_>) = writers.join_all().await.into_iter().partition(Result::is_ok);
    for result in lost {
        let known = |error: &StoreError| {
            matches!(error, StoreError::Fenced | StoreError::AlreadyApplied | StoreError::Conflict(_))
        };
        assert!(result.as_ref().is_err_and(known), "{result:?}");
    }
    assert_eq!((applied.len(), bench.effects().await, next_offset(&*bench).await), (1, 1, 1));
}

/// Attempts of one record add up over owners, and start anew with the next record or a release in good order.
pub async fn attempts_count_until_the_record_is_passed(bench: &impl InboxBench) {
    let inbox = bench.inbox();
    let position = held(bench).await;
    assert_eq!(inbox.attempt(&delivery(position, 1)).await.unwrap(), 1);
    assert_eq!(inbox.attempt(&delivery(position, 1)).await.unwrap(), 2);
    let position = held(bench).await;
    assert_eq!(inbox.attempt(&delivery(position, 1)).await.unwrap(), 3, "a new owner knows of the old one's");
    bench.apply(&delivery(position, 1)).await.unwrap();
    let position = moved(position);
    assert_eq!(inbox.attempt(&delivery(position, 2)).await.unwrap(), 1, "an applied record is passed");
    inbox.advance(&delivery(position, 2)).await.unwrap();
    let position = moved(position);
    assert_eq!(inbox.attempt(&delivery(position, 3)).await.unwrap(), 1, "so is one without effect");
    inbox.dead_letter(&delivery(position, 3), message(100, DEAD, "a")).await.unwrap();
    let position = moved(position);
    assert_eq!(inbox.attempt(&delivery(position, 4)).await.unwrap(), 1, "and a parked one");
    inbox.release(CONSUMER, super::TOPIC, 0, position.epoch).await.unwrap();
    let position = held(bench).await;
    assert_eq!(inbox.attempt(&delivery(position, 4)).await.unwrap(), 1, "the last owner got out alive");
}

/// Getting past a record without effect remembers its event; one too broken to have an id is passed as well, and so
/// are offsets that the log does not hold.
pub async fn a_record_without_effect_is_passed(bench: &impl InboxBench) {
    let inbox = bench.inbox();
    let position = held(bench).await;
    inbox.advance(&delivery(position, 7)).await.unwrap();
    assert!(seen(bench, 7).await);
    inbox.advance(&delivery(moved(position), 7)).await.unwrap();
    let position = Position { next_offset: 2, ..position };
    let gap = Delivery { next: 40, event_id: None, ..delivery(position, 0) };
    inbox.advance(&gap).await.unwrap();
    assert_eq!((bench.effects().await, next_offset(bench).await), (0, 40));
}

/// A dead letter leaves with the move. The event was not applied: it is not remembered, and a replay has its effect.
pub async fn a_dead_letter_moves_on_and_is_not_remembered(bench: &impl InboxBench) {
    let position = held(bench).await;
    let dead = message(100, DEAD, "a");
    bench.inbox().dead_letter(&delivery(position, 7), dead.clone()).await.unwrap();
    assert_eq!(dead_letters(bench).await, [dead]);
    assert!(!seen(bench, 7).await);
    bench.apply(&delivery(moved(position), 7)).await.unwrap();
    assert_eq!((bench.effects().await, next_offset(bench).await), (1, 2));
}

/// A letter at every bound, of characters that are seldom seen, is kept to the letter: a refusal would block its partition.
pub async fn takes_the_largest_and_oddest_dead_letter(bench: &impl InboxBench) {
    let odd = "\u{fffd}'\"\\ ;--{}%s\u{feff}\u{202e}\u{2028}é\u{10ffff}😀";
    let text = |length| odd.chars().cycle().take(length).collect::<String>();
    let headers = (0..32).map(|n| (format!("x-{n}-{}", text(100)), text(1_024)));
    let dead = OutboundMessage {
        payload: (0..=u8::MAX).cycle().take(MAX_PAYLOAD).collect(),
        headers: headers.chain([("dlq-reason".into(), String::new())]).collect(),
        ..message(100, DEAD, &text(MAX_KEY))
    };
    let position = held(bench).await;
    bench.inbox().dead_letter(&delivery(position, 7), dead.clone()).await.unwrap();
    let kept = dead_letters(bench).await;
    assert!(kept == [dead], "it is not what it was");
    assert_eq!(next_offset(bench).await, 1);
}

/// Handled events are forgotten when their time is over, not before; positions stay.
pub async fn forgets_what_is_old(bench: &impl InboxBench) {
    let inbox = bench.inbox();
    let mut position = held(bench).await;
    for event in 1..=3 {
        bench.apply(&delivery(position, event)).await.unwrap();
        position = moved(position);
    }
    assert_eq!(inbox.purge(LONG).await.unwrap(), 0);
    assert!(seen(bench, 1).await);
    let mut forgotten = 0;
    eventually(async || {
        forgotten += inbox.purge(Duration::ZERO).await.unwrap();
        (forgotten >= 3).then_some(())
    })
    .await;
    assert_eq!(forgotten, 3);
    assert!(!seen(bench, 1).await && !seen(bench, 3).await);
    assert_eq!(next_offset(bench).await, 3);
}

/// Effect, move, dead letter and count of attempts are all fenced, and none leaves a trace.
async fn refuses_everything(bench: &impl InboxBench, delivery: &Delivery) {
    let inbox = bench.inbox();
    fenced(&bench.apply(delivery).await);
    fenced(&inbox.advance(delivery).await);
    fenced(&inbox.dead_letter(delivery, message(100, DEAD, "a")).await);
    fenced(&inbox.attempt(delivery).await.map(drop));
    assert_eq!((bench.effects().await, dead_letters(bench).await.len()), (0, 0));
    assert!(!seen(bench, 7).await);
}

fn fenced(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::Fenced)), "{result:?}");
}
