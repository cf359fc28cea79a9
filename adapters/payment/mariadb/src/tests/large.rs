//! A payment that takes more than one statement to write, and one to read.

use kernel_application::{
    Clock, IdGenerator,
    testing::{ManualClock, SequenceIds, context},
};
use kernel_domain::{Money, ProductId, Timestamp};
use payment_application::testing::{item, new_payment, usd};
use payment_domain::{Payment, PaymentItem, PaymentStatus, RefundId};

use super::Home;

/// As many as a basket holds.
const LINES: i64 = 100;

fn payment(ids: &SequenceIds, now: Timestamp) -> Payment {
    let mut state = new_payment(ids, "ada", now).snapshot().clone();
    state.items = (1..=LINES).map(|id| item(id, 1)).collect();
    state.amount = usd(LINES * state.items[0].price().minor());
    Payment::from(state)
}

#[tokio::test]
async fn many_lines_and_refunds_are_kept_in_their_order() {
    let (home, ids) = (Home::new().await, SequenceIds::default());
    let (payments, now) = (&home.stores.payments, ManualClock::default().now());
    let mut saved = payment(&ids, now);
    payments.save(&context(), &mut saved).await.unwrap();
    saved.begin(None, now).unwrap();
    saved.submit(now).unwrap();
    saved.capture("charge".into(), now).unwrap();
    for amount in [300, 200, 100].map(usd) {
        let id = RefundId::from_uuid(ids.next());
        saved.request_refund(id, Some(amount), None, None, now).unwrap();
        payments.save(&context(), &mut saved).await.unwrap();
        assert_eq!(payments.find(saved.id(), None).await.unwrap().as_ref(), Some(&saved));
        saved.finish_refund(id, now).unwrap();
        payments.save(&context(), &mut saved).await.unwrap();
    }
    assert_eq!(saved.status(), PaymentStatus::PartiallyRefunded);
    let found = payments.find(saved.id(), None).await.unwrap().unwrap();
    assert_eq!(found, saved);
    assert_eq!(
        found.refunds().iter().map(|refund| refund.amount.minor()).collect::<Vec<_>>(),
        [300, 200, 100]
    );
    let view = home.stores.queries.get(saved.id(), None).await.unwrap().unwrap();
    let lines = saved.snapshot().items.iter().map(PaymentItem::product_id);
    assert!(view.items.iter().map(|item| item.product_id).eq(lines.map(ProductId::get)));
    assert_eq!(view.refunded_amount, usd(600));
    let stats = home.stores.queries.stats().await.unwrap();
    assert_eq!([stats.captured, stats.refunded].map(Money::minor), [saved.amount().minor(), 600]);
}
