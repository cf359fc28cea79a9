//! Random walks through a payment's life: no walk leaves the table of transitions or loses a cent.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use kernel_domain::{BasketId, Currency, Money, PaymentId, ProductId, Quantity, Timestamp, UserId};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{
    BasketRef, Failure, NewPayment, Payment, PaymentEvent, PaymentItem, PaymentMethod, PaymentRuleError,
    PaymentStatus, RefundId, RefundState, Step,
};

const PRICE: i64 = 1_000;

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

fn failure() -> Failure {
    Failure { code: "card_declined".into(), reason: "declined".into() }
}

fn refund_id(n: usize) -> RefundId {
    RefundId::from_uuid(Uuid::from_u128(n as u128))
}

fn new_payment(items: Vec<PaymentItem>) -> Result<Payment, PaymentRuleError> {
    let basket = BasketRef { id: BasketId::from_uuid(Uuid::from_u128(2)), version: 1 };
    let new = NewPayment {
        id: PaymentId::from_uuid(Uuid::from_u128(1)),
        user_id: UserId::new("ada").unwrap(),
        basket,
        items,
        currency: Currency::USD,
        method: PaymentMethod::CreditCard,
        provider: None,
        description: None,
        metadata: BTreeMap::new(),
    };
    Payment::create(new, now())
}

fn payment() -> Payment {
    let item = |id: i64| {
        let (id, quantity) = (ProductId::new(id).unwrap(), Quantity::new(1).unwrap());
        PaymentItem::new(id, "thing", usd(PRICE / 2), quantity, "things").unwrap()
    };
    new_payment(vec![item(1), item(2)]).unwrap()
}

fn completed() -> Payment {
    let mut payment = payment();
    payment.begin(None, now()).unwrap();
    payment.submit(now()).unwrap();
    payment.capture("ch_1".into(), now()).unwrap();
    payment
}

/// Puts a payment into each status, through its methods alone.
fn in_status(status: PaymentStatus) -> Payment {
    let mut it = payment();
    match status {
        PaymentStatus::Pending => {}
        PaymentStatus::Processing => it.begin(None, now()).unwrap(),
        PaymentStatus::Cancelled => it.cancel(now()).unwrap(),
        PaymentStatus::Expired => it.expire(now() + Payment::QUOTE).unwrap(),
        PaymentStatus::Failed => {
            it.begin(None, now()).unwrap();
            it.fail_unreserved(failure(), now()).unwrap();
        }
        PaymentStatus::Completed => it = completed(),
        PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => {
            it = completed();
            let amount = if status == PaymentStatus::Refunded { PRICE } else { 1 };
            it.request_refund(refund_id(1), Some(usd(amount)), None, None, now()).unwrap();
            it.finish_refund(refund_id(1), now()).unwrap();
        }
    }
    assert_eq!(it.status(), status);
    it
}

#[derive(Clone, Debug)]
enum Action {
    Begin,
    Cancel,
    Expire,
    Resume,
    Submit,
    LoseTrack,
    Postpone,
    Capture,
    Decline,
    FailUnreserved,
    FinishRelease,
    CaptureLate,
    RequestRefund(i64),
    FinishRefund(usize),
    RefuseRefund(usize),
}

fn apply(action: &Action, payment: &mut Payment, serial: usize) -> Result<(), PaymentRuleError> {
    let second = TimeDelta::seconds(1);
    let nth = |n: &usize, payment: &Payment| {
        let refunds = payment.refunds();
        refunds.get(n % refunds.len().max(1)).map_or(refund_id(0), |refund| refund.id)
    };
    match action {
        Action::Begin => payment.begin(Some("tok".into()), now()),
        Action::Cancel => payment.cancel(now()),
        Action::Expire => payment.expire(now() + Payment::QUOTE),
        Action::Resume => payment.resume(now()),
        Action::Submit => payment.submit(now()),
        Action::LoseTrack => payment.lose_track(second, now()),
        Action::Postpone => payment.postpone(second, now()),
        Action::Capture => payment.capture("ch_1".into(), now()),
        Action::Decline => payment.decline(failure(), now()),
        Action::FailUnreserved => payment.fail_unreserved(failure(), now()),
        Action::FinishRelease => payment.finish_release(now()),
        Action::CaptureLate => payment.capture_late("ch_2".into(), refund_id(serial), now()).map(drop),
        Action::RequestRefund(minor) => {
            payment.request_refund(refund_id(serial), Some(usd(*minor)), None, None, now())
        }
        Action::FinishRefund(n) => payment.finish_refund(nth(n, payment), now()),
        Action::RefuseRefund(n) => payment.refuse_refund(nth(n, payment), now()),
    }
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let simple = prop::sample::select(vec![
        Action::Begin,
        Action::Begin,
        Action::Submit,
        Action::Submit,
        Action::Capture,
        Action::Capture,
        Action::Cancel,
        Action::Expire,
        Action::Resume,
        Action::LoseTrack,
        Action::Postpone,
        Action::Decline,
        Action::FailUnreserved,
        Action::FinishRelease,
        Action::CaptureLate,
    ]);
    let refund = (-5..PRICE + 5).prop_map(Action::RequestRefund);
    let verdict = (0..9_usize, any::<bool>())
        .prop_map(|(n, done)| if done { Action::FinishRefund(n) } else { Action::RefuseRefund(n) });
    prop::collection::vec(prop_oneof![5 => simple, 2 => refund, 2 => verdict], 0..60)
}

proptest! {
    #[test]
    fn no_walk_leaves_the_table_or_loses_a_cent(walk in actions()) {
        let mut payment = payment();
        for (serial, action) in walk.iter().enumerate() {
            let before = payment.clone();
            match apply(action, &mut payment, serial + 1) {
                Err(_) => prop_assert_eq!(&payment, &before, "a refused action changes nothing"),
                Ok(()) if payment.status() != before.status() => {
                    prop_assert!(before.status().may_become(payment.status()), "{} after {:?}", before.status(), action);
                }
                Ok(()) => {}
            }
            let refunded = payment.snapshot().refunded().unwrap();
            prop_assert!(refunded.minor() <= PRICE);
            prop_assert!(payment.refundable().unwrap().minor() >= 0);
            match payment.status() {
                PaymentStatus::Refunded => prop_assert_eq!(refunded, payment.amount()),
                PaymentStatus::PartiallyRefunded => prop_assert!(refunded.is_positive() && refunded != payment.amount()),
                _ => prop_assert!(refunded.is_zero()),
            }
            let processing = payment.status() == PaymentStatus::Processing;
            prop_assert_eq!(payment.processing().is_some(), processing);
            let verdicts = payment.events().as_slice().iter().filter(|event| !matches!(event, PaymentEvent::Refunded(_)));
            prop_assert!(verdicts.count() <= 1, "one verdict at most");
        }
    }
}

#[test]
fn every_illegal_transition_is_refused() {
    type Attempt = (&'static str, fn(&mut Payment) -> Result<(), PaymentRuleError>, &'static [PaymentStatus]);
    let attempts: [Attempt; 7] = [
        ("begin", |it| it.begin(None, now()), &[PaymentStatus::Pending]),
        ("cancel", |it| it.cancel(now()), &[PaymentStatus::Pending]),
        ("expire", |it| it.expire(now() + Payment::QUOTE), &[PaymentStatus::Pending]),
        ("submit", |it| it.submit(now()), &[PaymentStatus::Processing]),
        ("fail", |it| it.fail_unreserved(failure(), now()), &[PaymentStatus::Processing]),
        (
            "refund",
            |it| it.request_refund(refund_id(9), Some(usd(1)), None, None, now()),
            &[PaymentStatus::Completed, PaymentStatus::PartiallyRefunded],
        ),
        (
            "late capture",
            |it| it.capture_late("ch".into(), refund_id(9), now()).map(drop),
            &[PaymentStatus::Failed, PaymentStatus::Cancelled, PaymentStatus::Expired],
        ),
    ];
    for (name, attempt, allowed) in attempts {
        for status in PaymentStatus::ALL {
            let mut payment = in_status(status);
            let before = payment.clone();
            let result = attempt(&mut payment);
            assert_eq!(result.is_ok(), allowed.contains(&status), "{name} when {status}: {result:?}");
            assert!(result.is_ok() || payment == before, "{name} when {status} changed something");
        }
    }
}

#[test]
fn an_unknown_outcome_is_never_a_failure() {
    let mut payment = in_status(PaymentStatus::Processing);
    payment.submit(now()).unwrap();
    payment.lose_track(TimeDelta::seconds(1), now()).unwrap();
    assert_eq!(
        payment.fail_unreserved(failure(), now()),
        Err(PaymentRuleError::Step("fail without release"))
    );
    assert_eq!(payment.finish_release(now()), Err(PaymentRuleError::Step("finish the release")));
    assert_eq!(payment.processing().unwrap().step, Step::Unknown);
    payment.capture("ch_1".into(), now()).unwrap();
    assert_eq!(payment.status(), PaymentStatus::Completed);
}

#[test]
fn an_expired_quote_is_not_processed() {
    let mut payment = payment();
    assert_eq!(payment.begin(None, now() + Payment::QUOTE), Err(PaymentRuleError::Expired));
    payment.expire(now()).unwrap();
    assert_eq!(payment.status(), PaymentStatus::Pending, "it is too early to expire");
}

#[test]
fn pending_refunds_count_and_refused_ones_do_not() {
    let mut payment = completed();
    payment.request_refund(refund_id(1), Some(usd(600)), None, None, now()).unwrap();
    let exceeds = PaymentRuleError::RefundExceeds { asked: usd(600), left: usd(400) };
    assert_eq!(payment.request_refund(refund_id(2), Some(usd(600)), None, None, now()), Err(exceeds));
    payment.refuse_refund(refund_id(1), now()).unwrap();
    assert_eq!(payment.status(), PaymentStatus::Completed);
    payment.request_refund(refund_id(3), None, None, None, now()).unwrap();
    payment.finish_refund(refund_id(3), now()).unwrap();
    assert_eq!(payment.status(), PaymentStatus::Refunded);
}

#[test]
fn a_late_charge_is_given_back_once() {
    let mut payment = in_status(PaymentStatus::Failed);
    assert_eq!(payment.capture_late("ch_9".into(), refund_id(1), now()), Ok(true));
    assert_eq!(payment.capture_late("ch_9".into(), refund_id(2), now()), Ok(false));
    payment.finish_refund(refund_id(1), now()).unwrap();
    assert_eq!((payment.status(), payment.refunds().len()), (PaymentStatus::Failed, 1));
    assert_eq!(payment.refunds()[0].state, RefundState::Done);
    assert!(payment.snapshot().refunded().unwrap().is_zero());
}

#[test]
fn nothing_to_pay_and_sums_that_overflow_are_refused() {
    assert_eq!(new_payment(vec![]), Err(PaymentRuleError::NoItems));
    let item = |id| {
        PaymentItem::new(ProductId::new(id).unwrap(), "x", usd(i64::MAX), Quantity::new(1).unwrap(), "c")
    };
    assert!(new_payment(vec![item(1).unwrap(), item(2).unwrap()]).is_err());
}
