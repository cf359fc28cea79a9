use kernel_domain::Currency;
use proptest::prelude::*;

use super::*;

const START: Timestamp = Timestamp::UNIX_EPOCH;
const LEASE: TimeDelta = TimeDelta::seconds(30);

fn policy() -> RetryPolicy {
    RetryPolicy::default()
}

fn token(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn mail() -> Notification {
    on(Channel::Email)
}

fn on(channel: Channel) -> Notification {
    let news = PaymentNews {
        event_id: EventId::from_uuid(token(1)),
        payment_id: PaymentId::from_uuid(token(2)),
        user_id: UserId::new("ada").unwrap(),
        amount: Money::from_minor(12_990, Currency::USD),
        lines: vec![],
        outcome: Outcome::Completed,
    };
    Notification::compose(NotificationId::from_uuid(token(3)), &news, channel, START)
}

#[test]
fn in_the_app_it_is_delivered_at_once() {
    let mut note = on(Channel::InApp);
    assert_eq!(note.snapshot().delivery, DeliveryState::Sent { at: START });
    assert_eq!(note.claim(token(9), START, LEASE, &policy()), Err(NotDue));
}

#[test]
fn one_worker_at_a_time_holds_it() {
    let mut note = mail();
    assert_eq!(note.claim(token(1), START, LEASE, &policy()), Ok(Turn::Send));
    assert_eq!(note.claim(token(2), START, LEASE, &policy()), Err(NotDue));
    assert_eq!(note.record_sent(token(2), START), Err(ClaimLost));
    assert_eq!(note.record_sent(token(1), START), Ok(()));
    assert_eq!(note.claim(token(2), START + LEASE, LEASE, &policy()), Err(NotDue));
}

#[test]
fn a_claim_that_ended_can_be_taken_over() {
    let mut note = mail();
    note.claim(token(1), START, LEASE, &policy()).unwrap();
    assert_eq!(note.claim(token(2), START + LEASE, LEASE, &policy()), Ok(Turn::Send));
    assert_eq!(note.record_failure(token(1), START + LEASE, "late", false, &policy()), Err(ClaimLost));
    assert_eq!(note.snapshot().attempts, 2);
}

#[test]
fn attempts_that_never_end_are_counted_too() {
    let mut note = mail();
    let mut now = START;
    for n in 0..6 {
        assert_eq!(note.claim(token(n), now, LEASE, &policy()), Ok(Turn::Send));
        now += LEASE;
    }
    assert_eq!(note.claim(token(7), now, LEASE, &policy()), Ok(Turn::GaveUp));
    assert_eq!(note.snapshot().delivery, DeliveryState::Failed { at: now });
    assert!(note.snapshot().last_error.is_some());
}

#[test]
fn a_permanent_failure_is_not_repeated() {
    let mut note = mail();
    note.claim(token(1), START, LEASE, &policy()).unwrap();
    note.record_failure(token(1), START, "no such mailbox", true, &policy()).unwrap();
    assert_eq!(note.snapshot().delivery, DeliveryState::Failed { at: START });
}

#[test]
fn what_is_never_tried_expires() {
    let mut note = mail();
    assert!(!note.expire(START, &policy()));
    assert!(note.expire(START + TimeDelta::days(1), &policy()));
    assert_eq!(note.snapshot().delivery.as_str(), "failed");
}

#[test]
fn it_is_read_once() {
    let mut note = mail();
    assert!(note.mark_read(START));
    assert!(!note.mark_read(START + LEASE));
    assert_eq!(note.snapshot().read_at, Some(START));
}

#[test]
fn a_refund_tells_the_refunded_amount() {
    let refunded = Money::from_minor(100, Currency::USD);
    let news = PaymentNews {
        event_id: EventId::from_uuid(token(1)),
        payment_id: PaymentId::from_uuid(token(2)),
        user_id: UserId::new("ada").unwrap(),
        amount: Money::from_minor(12_990, Currency::USD),
        lines: vec![],
        outcome: Outcome::Refunded { refunded, remaining: Money::from_minor(12_890, Currency::USD) },
    };
    let note = Notification::compose(NotificationId::from_uuid(token(3)), &news, Channel::InApp, START);
    assert_eq!(note.snapshot().amount, refunded);
}

/// What a worker meets when it comes by.
#[derive(Clone, Copy, Debug)]
enum Step {
    Sent,
    Refused,
    Failed,
    Crashed,
}

fn steps() -> impl Strategy<Value = Vec<(Step, i64)>> {
    let step = prop_oneof![Just(Step::Sent), Just(Step::Refused), Just(Step::Failed), Just(Step::Crashed)];
    proptest::collection::vec((step, 0_i64..400), 0..40)
}

proptest! {
    /// Whatever happens to its workers, a notification is sent at most once, tried at most six times, and never
    /// changes after it is done.
    #[test]
    fn a_delivery_ends_and_stays_ended(steps in steps()) {
        let (mut note, mut now, mut sent) = (mail(), START, 0);
        for (n, (step, pause)) in steps.into_iter().enumerate() {
            now += TimeDelta::seconds(pause);
            let before = note.clone();
            let token = token(n as u128);
            if note.claim(token, now, LEASE, &policy()) != Ok(Turn::Send) {
                let done = !matches!(before.snapshot().delivery, DeliveryState::Pending { .. });
                prop_assert!(!done || before == note);
                continue;
            }
            match step {
                Step::Sent => { note.record_sent(token, now).unwrap(); sent += 1; }
                Step::Refused => note.record_failure(token, now, "refused", true, &policy()).unwrap(),
                Step::Failed => note.record_failure(token, now, "failed", false, &policy()).unwrap(),
                Step::Crashed => {}
            }
            prop_assert!(note.snapshot().attempts <= policy().max_attempts);
        }
        prop_assert!(sent <= 1);
    }

    /// Somebody who comes by often enough always brings a delivery to its end.
    #[test]
    fn every_delivery_ends(fail: bool) {
        let (mut note, mut now) = (mail(), START);
        for n in 0..20 {
            now += TimeDelta::minutes(6);
            if note.claim(token(n), now, LEASE, &policy()) == Ok(Turn::Send) && fail {
                note.record_failure(token(n), now, "failed", false, &policy()).unwrap();
            }
        }
        prop_assert_eq!(note.snapshot().delivery.as_str(), "failed");
    }
}
