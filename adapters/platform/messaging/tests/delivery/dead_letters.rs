//! Dead letters are listed and sent once more.

use std::time::Duration;

use kernel_application::messaging::{ConsumeOutcome, Delivery, EventLog, OutboundMessage};
use kernel_domain::EventId;
use platform_messaging::{DeadLetterError, DeadLetters, HandleError, Replayed, topics};
use platform_testkit::{PATIENCE, eventually};
use uuid::Uuid;

use crate::bench::{Bench, CONSUMER, TOPIC, Worker, event, poison};

fn letters(bench: &Bench) -> DeadLetters {
    bench.workers(&bench.db, bench.log.clone(), "operator").dead_letters(CONSUMER, &[TOPIC])
}

fn id(n: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(n))
}

/// Consumer and relay of the consuming context: dead letters leave through its outbox.
fn start(bench: &Bench, failures: impl IntoIterator<Item = HandleError>) -> [Worker; 2] {
    [bench.consume("a", failures), bench.relay(&bench.db, bench.log.clone(), "a")]
}

async fn stop(workers: [Worker; 2]) {
    for worker in workers {
        worker.stop().await;
    }
}

async fn until_listed(letters: &DeadLetters, count: usize) {
    let listed = || async { (letters.list(None).await.unwrap().len() == count).then_some(()) };
    eventually(PATIENCE, listed).await.unwrap();
}

#[tokio::test]
async fn a_parked_event_can_be_sent_again() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let consumer = bench.consume("a", [poison()]);
    bench.until(ConsumeOutcome::DeadLettered, 1).await;
    bench.append(&event(1, "a", 1)).await;
    bench.until_effects(1).await;
    consumer.stop().await;
}

#[tokio::test]
async fn the_list_says_what_why_when_and_from_where() {
    let bench = Bench::new().await;
    let garbage = OutboundMessage { payload: b"\x00not json".to_vec(), ..event(9, "b", 1) };
    bench.append(&event(1, "a", 1)).await;
    let workers = start(&bench, [poison()]);
    let letters = letters(&bench);
    until_listed(&letters, 1).await;
    bench.append(&garbage).await;
    until_listed(&letters, 2).await;
    stop(workers).await;
    let listed = letters.list(Some(TOPIC)).await.unwrap();
    let first = &listed[0];
    assert_eq!((first.event_id, first.kind.as_deref()), (Some(id(1)), Some("thing.done.v1")));
    assert_eq!((first.reason.as_str(), first.consumer.as_str()), ("too early", CONSUMER));
    assert_eq!((first.topic.as_str(), first.key.as_str(), first.offset), (TOPIC, "a", Some(0)));
    assert!(first.partition.is_some());
    assert_eq!(first.cut_from, None);
    assert_eq!((listed[1].event_id, listed[1].key.as_str()), (None, "b"));
    let other = letters.list(Some(topics::BASKET_EVENTS)).await;
    assert!(matches!(other, Err(DeadLetterError::NotConsumed { .. })), "{other:?}");
}

#[tokio::test]
async fn a_replay_applies_what_was_parked_once_and_remembers_how_far_it_came() {
    let bench = Bench::new().await;
    let traced = OutboundMessage {
        headers: vec![(
            "traceparent".into(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
        )],
        ..event(1, "a", 1)
    };
    bench.append(&traced).await;
    bench.append(&event(2, "a", 2)).await;
    let workers = start(&bench, [poison(), poison()]);
    let letters = letters(&bench);
    until_listed(&letters, 2).await;
    let replayed = letters.replay(None).await.unwrap();
    assert_eq!(replayed, Replayed { replayed: 2, ..Replayed::default() });
    bench.until_effects(2).await;
    assert_eq!(letters.replay(Some(TOPIC)).await.unwrap(), Replayed::default(), "nothing new");
    stop(workers).await;
    let order: Vec<_> = bench.effects().await.into_iter().map(|(_, n)| n).collect();
    assert_eq!(order, ["1", "2"]);

    let partition = bench.log.partition_of(TOPIC, "a").await.unwrap();
    let records = bench.log.fetch(TOPIC, partition, 2, 10, Duration::ZERO).await.unwrap();
    let own = ("replay-for".to_owned(), CONSUMER.to_owned());
    assert_eq!(records[0].headers, [traced.headers[0].clone(), own], "else as it was before it was parked");
    assert_eq!((&records[0].payload, records.len()), (&traced.payload, 2));
}

#[tokio::test]
async fn a_replay_is_for_the_consumer_that_parked_the_event() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let workers = start(&bench, [poison()]);
    let own = letters(&bench);
    until_listed(&own, 1).await;
    // It applied the event so long ago that it has forgotten it; its store and its figures are its own.
    let other = Bench { log: bench.log.clone(), ..Bench::new().await };
    let consumer = other.consume_as("another", []);
    other.until_effects(1).await;
    other.inbox().purge(Duration::ZERO).await.unwrap();
    assert!(!other.inbox().seen("another", id(1)).await.unwrap());

    own.replay(None).await.unwrap();
    bench.until_effects(1).await;
    other.until(ConsumeOutcome::Ignored, 1).await;
    assert_eq!(other.effects().await.len(), 1, "once, though nobody there remembers it");
    stop(workers).await;
    consumer.stop().await;
}

#[tokio::test]
async fn passing_by_a_replay_for_another_spoils_no_replay_of_its_own() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let workers = start(&bench, [poison()]);
    let other = Bench { log: bench.log.clone(), ..Bench::new().await };
    let others = [other.consume_as("another", [poison()]), other.relay(&other.db, bench.log.clone(), "a")];
    let of_other = other.workers(&other.db, other.log.clone(), "operator").dead_letters("another", &[TOPIC]);
    until_listed(&letters(&bench), 1).await;
    until_listed(&of_other, 1).await;

    letters(&bench).replay(None).await.unwrap();
    other.until(ConsumeOutcome::Ignored, 1).await;
    assert_eq!(of_other.replay(None).await.unwrap().replayed, 1);
    other.until_effects(1).await;
    bench.until_effects(1).await;
    stop(workers).await;
    stop(others).await;
}

#[tokio::test]
async fn what_no_outbox_takes_is_parked_cut_and_listed_and_not_sent_again() {
    let bench = Bench::new().await;
    let (large, odd) = (vec![b'x'; 1_000_000], vec![("od\0d".to_owned(), "\u{1b}".to_owned())]);
    bench.append(&OutboundMessage { payload: large, headers: odd, ..event(1, "nu\0l", 1) }).await;
    bench.append(&event(2, "nu\0l", 2)).await;
    let workers = start(&bench, []);
    bench.until_effects(1).await;
    let letters = letters(&bench);
    until_listed(&letters, 1).await;
    let replayed = letters.replay(None).await.unwrap();
    assert_eq!(replayed, Replayed { cut: 1, ..Replayed::default() });
    assert_eq!(letters.replay(None).await.unwrap(), Replayed::default(), "it is passed");
    stop(workers).await;
    let letter = &letters.list(None).await.unwrap()[0];
    assert_eq!((letter.cut_from, letter.key.as_str()), (Some(1_000_000), "nu\u{fffd}l"));
}

#[tokio::test]
async fn what_is_parked_again_is_for_the_next_replay() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let workers = start(&bench, [poison(), poison()]);
    let letters = letters(&bench);
    until_listed(&letters, 1).await;
    assert_eq!(letters.replay(None).await.unwrap().replayed, 1);
    until_listed(&letters, 2).await;
    assert_eq!(letters.replay(None).await.unwrap().replayed, 1);
    bench.until_effects(1).await;
    stop(workers).await;
}

#[tokio::test]
async fn letters_of_other_consumers_are_theirs() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let workers = start(&bench, [poison()]);
    until_listed(&letters(&bench), 1).await;
    stop(workers).await;
    let other = bench.workers(&bench.db, bench.log.clone(), "operator").dead_letters("other", &[TOPIC]);
    assert_eq!(other.replay(None).await.unwrap(), Replayed { skipped: 1, ..Replayed::default() });
    assert_eq!(other.list(None).await.unwrap(), [], "and shown by them");
}

#[tokio::test]
async fn two_replays_do_not_run_at_once() {
    let bench = Bench::new().await;
    let (inbox, source) = (bench.inbox(), topics::dead_letters_of(TOPIC));
    let consumer = format!("{CONSUMER}-dlq-replay");
    let held = inbox.take(&consumer, &source, 0, "somebody", PATIENCE).await.unwrap().unwrap();
    let refused = letters(&bench).replay(None).await;
    assert!(matches!(&refused, Err(DeadLetterError::Busy(topic)) if topic == TOPIC), "{refused:?}");
    let passed = Delivery {
        consumer: consumer.clone(),
        topic: source.clone(),
        partition: 0,
        epoch: held.epoch,
        expected: 0,
        next: 0,
        event_id: None,
    };
    inbox.advance(&passed).await.unwrap();
    inbox.release(&consumer, &source, 0, held.epoch).await.unwrap();
    assert_eq!(letters(&bench).replay(None).await.unwrap(), Replayed::default());
}
