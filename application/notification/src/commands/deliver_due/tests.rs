use kernel_application::testing::{ManualClock, SequenceIds, context};

use super::*;
use crate::testing::{FakeChannel, MemoryStore, sample_on};

struct World {
    store: Arc<MemoryStore>,
    channel: Arc<FakeChannel>,
    clock: Arc<ManualClock>,
    ids: Arc<SequenceIds>,
}

impl World {
    async fn with_mails(count: u128) -> Self {
        let world = Self {
            store: Arc::default(),
            channel: Arc::new(FakeChannel::new(true)),
            clock: Arc::default(),
            ids: Arc::default(),
        };
        let mails = (1..=count).map(|n| sample_on(n, "ada", Channel::Email)).collect();
        world.store.add_all(&context(), mails).await.unwrap();
        world
    }

    fn handler(&self) -> DeliverDueHandler {
        DeliverDueHandler {
            notifications: self.store.clone(),
            channels: HashMap::from([(Channel::Email, self.channel.clone() as Arc<dyn NotificationChannel>)]),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            settings: DeliverySettings { timeout: Duration::from_millis(50), ..DeliverySettings::default() },
        }
    }

    async fn run(&self) -> Vec<AttemptOutcome> {
        let due = all(StopFlag::default());
        let attempts = self.handler().handle(&context(), due).await.unwrap();
        attempts.into_iter().map(|attempt| attempt.outcome).collect()
    }

    fn status(&self) -> &'static str {
        self.store.all()[0].snapshot().delivery.as_str()
    }
}

fn all(stop: StopFlag) -> DeliverDue {
    DeliverDue { channel: Channel::Email, limit: 100, stop }
}

#[tokio::test]
async fn what_is_due_is_sent_once() {
    let world = World::with_mails(3).await;
    assert_eq!(world.run().await, vec![AttemptOutcome::Sent; 3]);
    assert_eq!(world.run().await, vec![]);
    assert_eq!(world.channel.sent().len(), 3);
}

#[tokio::test]
async fn failures_are_repeated_later() {
    let world = World::with_mails(1).await;
    world.channel.fail_next(2);
    assert!(matches!(world.run().await[..], [AttemptOutcome::WillRetry(_)]));
    assert_eq!(world.run().await, vec![]);
    world.clock.advance(TimeDelta::seconds(2));
    assert!(matches!(world.run().await[..], [AttemptOutcome::WillRetry(_)]));
    world.clock.advance(TimeDelta::seconds(8));
    assert_eq!(world.run().await, vec![AttemptOutcome::Sent]);
    assert_eq!(world.store.all()[0].snapshot().attempts, 3);
}

#[tokio::test]
async fn after_the_last_attempt_it_has_failed() {
    let world = World::with_mails(1).await;
    world.channel.fail_next(100);
    for _ in 0..5 {
        assert!(matches!(world.run().await[..], [AttemptOutcome::WillRetry(_)]));
        world.clock.advance(TimeDelta::minutes(5));
    }
    assert!(matches!(world.run().await[..], [AttemptOutcome::Failed(_)]));
    assert_eq!(world.status(), "failed");
}

#[tokio::test]
async fn a_refusal_is_final() {
    let world = World::with_mails(1).await;
    world.channel.refuse_next();
    assert!(matches!(world.run().await[..], [AttemptOutcome::Failed(_)]));
    assert_eq!(world.status(), "failed");
}

#[tokio::test]
async fn an_attempt_that_hangs_is_ended() {
    let world = World::with_mails(1).await;
    world.channel.hang_next();
    assert!(matches!(world.run().await[..], [AttemptOutcome::WillRetry(_)]));
}

#[tokio::test]
async fn a_stop_lets_attempts_finish_and_begins_none() {
    let world = World::with_mails(20).await;
    (0..AT_ONCE).for_each(|_| world.channel.hang_next());
    let (handler, ctx, stop) = (world.handler(), context(), StopFlag::default());
    let (attempts, ()) =
        tokio::join!(biased; handler.handle(&ctx, all(stop.clone())), async { stop.raise() });
    let attempts = attempts.unwrap();
    assert_eq!(attempts.len(), AT_ONCE);
    assert!(attempts.iter().all(|attempt| matches!(attempt.outcome, AttemptOutcome::WillRetry(_))));
    let untouched = world.store.all().iter().filter(|mail| mail.snapshot().attempts == 0).count();
    assert_eq!((untouched, world.channel.sent().len()), (12, 0));
    assert_eq!(world.run().await, vec![AttemptOutcome::Sent; 12]);
}

#[test]
fn an_attempt_is_over_before_the_process_must_be() {
    let usual = DeliverySettings::default();
    assert_eq!(usual.within(Duration::from_secs(30)).timeout, Duration::from_secs(6));
    assert_eq!(usual.within(Duration::from_secs(4)).timeout, Duration::from_secs(2));
}

#[tokio::test]
async fn many_workers_send_each_message_once() {
    let world = World::with_mails(40).await;
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let handler = world.handler();
            let due = all(StopFlag::default());
            tokio::spawn(async move { handler.handle(&context(), due).await.unwrap().len() })
        })
        .collect();
    let mut attempts = 0;
    for worker in workers {
        attempts += worker.await.unwrap();
    }
    assert_eq!((attempts, world.channel.sent().len()), (40, 40));
}

#[tokio::test]
async fn reading_it_meanwhile_does_not_send_it_again() {
    let world = World::with_mails(1).await;
    world.store.interfere_with_next_save();
    assert_eq!(world.run().await, vec![]);
    world.channel.mark_read_while_sending(world.store.clone());
    assert_eq!(world.run().await, vec![AttemptOutcome::Sent]);
    assert!(world.store.all()[0].snapshot().read_at.is_some());
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(world.run().await, vec![]);
}

#[tokio::test]
async fn a_channel_that_is_off_keeps_its_messages_for_a_day() {
    let world = World::with_mails(1).await;
    world.channel.switch_off();
    assert_eq!(world.run().await, vec![]);
    assert_eq!(world.status(), "pending");
    world.clock.advance(TimeDelta::days(1));
    assert!(matches!(world.run().await[..], [AttemptOutcome::Failed(_)]));
    assert_eq!(world.status(), "failed");
}
