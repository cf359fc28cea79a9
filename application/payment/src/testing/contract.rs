//! What every store of payments keeps, whatever it is made of. Each adapter runs it from its own tests.

mod keys;

use std::sync::Arc;

use chrono::TimeDelta;
use kernel_application::{
    Clock, IdGenerator, IdempotencyStore, PageRequest, StoreError,
    testing::{ManualClock, SequenceIds, context},
};
use kernel_domain::PaymentId;
use payment_domain::{Failure, Payment, PaymentStatus, RefundId};

use super::{new_payment, usd, user};
use crate::{PaymentAnswer, PaymentFilter, PaymentQueries, PaymentRepository, PaymentView};

/// The ports of one store under test.
#[derive(Clone)]
pub struct PaymentStores {
    /// The aggregates.
    pub payments: Arc<dyn PaymentRepository>,
    /// The views.
    pub queries: Arc<dyn PaymentQueries>,
    /// The idempotency keys.
    pub keys: Arc<dyn IdempotencyStore<PaymentAnswer>>,
    /// How many outbox messages were written; one per event in the fake, several in real stores.
    pub outbox: Arc<dyn Fn() -> BoxedCount + Send + Sync>,
}

/// A future of a count.
pub type BoxedCount = std::pin::Pin<Box<dyn Future<Output = u64> + Send>>;

struct Bench {
    stores: PaymentStores,
    ids: SequenceIds,
    clock: ManualClock,
}

/// Runs the whole contract against an empty store.
///
/// # Panics
/// Where the store breaks it.
pub async fn payment_store_contract(stores: PaymentStores) {
    let bench = Bench { stores, ids: SequenceIds::default(), clock: ManualClock::default() };
    bench.absence_is_no_error().await;
    bench.a_payment_comes_back_as_it_was().await;
    bench.a_payment_is_there_for_its_user_only().await;
    bench.a_stale_save_is_refused_and_leaves_nothing().await;
    bench.one_of_many_parallel_saves_wins().await;
    bench.a_basket_version_has_one_live_payment().await;
    bench.what_is_due_is_found().await;
    bench.pages_are_stable_while_rows_are_added().await;
    bench.an_answer_is_kept_with_its_effect().await;
    bench.an_answer_is_its_callers_own().await;
    bench.a_lost_key_rolls_the_effect_back().await;
    bench.callbacks_are_remembered().await;
    bench.figures_add_up().await;
}

#[expect(clippy::unwrap_used, reason = "a broken contract fails the test")]
impl Bench {
    fn payment(&self, name: &str) -> Payment {
        new_payment(&self.ids, name, self.clock.now())
    }

    async fn save(&self, payment: &mut Payment) -> Result<(), StoreError> {
        self.stores.payments.save(&context(), payment).await
    }

    async fn saved(&self, name: &str) -> Payment {
        let mut payment = self.payment(name);
        self.save(&mut payment).await.unwrap();
        payment
    }

    async fn found(&self, payment: &Payment) -> Payment {
        self.stores.payments.find(payment.id(), None).await.unwrap().unwrap()
    }

    async fn completed(&self, name: &str) -> Payment {
        let now = self.clock.now();
        let mut payment = self.saved(name).await;
        payment.begin(Some("tok".into()), now).unwrap();
        payment.submit(now).unwrap();
        payment.capture(format!("ch_{name}"), now).unwrap();
        self.save(&mut payment).await.unwrap();
        payment
    }

    async fn absence_is_no_error(&self) {
        let id = PaymentId::from_uuid(self.ids.next());
        assert_eq!(self.stores.payments.find(id, None).await.unwrap(), None);
        assert_eq!(self.stores.queries.get(id, None).await.unwrap(), None);
    }

    async fn a_payment_comes_back_as_it_was(&self) {
        let now = self.clock.now();
        let mut payment = self.saved("roundtrip").await;
        assert_eq!(self.found(&payment).await, payment);
        payment.begin(Some("tok_1".into()), now).unwrap();
        self.save(&mut payment).await.unwrap();
        assert_eq!(self.found(&payment).await, payment, "processing");
        payment.submit(now).unwrap();
        payment.decline(Failure { code: "card_declined".into(), reason: "no".into() }, now).unwrap();
        self.save(&mut payment).await.unwrap();
        assert_eq!(self.found(&payment).await, payment, "releasing");
        payment.finish_release(now).unwrap();
        self.save(&mut payment).await.unwrap();
        assert_eq!(self.found(&payment).await, payment, "failed");

        let mut payment = self.completed("roundtrip2").await;
        for (n, amount) in [(1, Some(usd(100))), (2, None)] {
            let id = RefundId::from_uuid(self.ids.next());
            payment.request_refund(id, amount, Some("broken".into()), Some(format!("key {n}")), now).unwrap();
            if n == 1 {
                payment.finish_refund(id, now).unwrap();
            }
        }
        self.save(&mut payment).await.unwrap();
        assert_eq!(self.found(&payment).await, payment, "refunds");
        let view = self.stores.queries.get(payment.id(), None).await.unwrap().unwrap();
        assert_eq!(view, PaymentView::try_from(&payment).unwrap());
    }

    async fn a_payment_is_there_for_its_user_only(&self) {
        let now = self.clock.now();
        let mut payment = self.completed("owner").await;
        // Several lines and refunds: none of them may be seen either.
        for amount in [100, 200] {
            let id = RefundId::from_uuid(self.ids.next());
            payment.request_refund(id, Some(usd(amount)), None, None, now).unwrap();
        }
        self.save(&mut payment).await.unwrap();
        let (id, view) = (payment.id(), PaymentView::try_from(&payment).unwrap());
        let find = async |name| self.stores.payments.find(id, Some(&user(name))).await.unwrap();
        let get = async |name| self.stores.queries.get(id, Some(&user(name))).await.unwrap();
        assert_eq!((find("owner").await, get("owner").await), (Some(payment), Some(view)));
        for other in ["stranger", "OWNER", "owner.", "owne"] {
            assert_eq!((find(other).await, get(other).await), (None, None), "{other}");
        }
        let nothing = PaymentId::from_uuid(self.ids.next());
        assert_eq!(self.stores.payments.find(nothing, Some(&user("owner"))).await.unwrap(), None);
        assert_eq!(self.stores.queries.get(nothing, Some(&user("owner"))).await.unwrap(), None);
    }

    async fn a_stale_save_is_refused_and_leaves_nothing(&self) {
        let now = self.clock.now();
        let mut payment = self.saved("stale").await;
        let mut stale = payment.clone();
        payment.begin(None, now).unwrap();
        self.save(&mut payment).await.unwrap();
        let before = (self.stores.outbox)().await;
        stale.begin(None, now).unwrap();
        stale.fail_unreserved(Failure { code: "x".into(), reason: "y".into() }, now).unwrap();
        assert!(matches!(self.save(&mut stale).await, Err(StoreError::Conflict(_))));
        assert_eq!((self.stores.outbox)().await, before, "a refused save writes no event");
        assert_eq!(self.found(&payment).await, payment);
    }

    async fn one_of_many_parallel_saves_wins(&self) {
        let payment = self.saved("parallel").await;
        let now = self.clock.now();
        let saves: Vec<_> = (0..20)
            .map(|n| {
                let (store, mut copy) = (Arc::clone(&self.stores.payments), payment.clone());
                copy.begin(Some(n.to_string()), now).unwrap();
                tokio::spawn(async move { store.save(&context(), &mut copy).await.is_ok() })
            })
            .collect();
        let mut winners = 0;
        for save in saves {
            winners += u32::from(save.await.unwrap());
        }
        assert_eq!(winners, 1);
    }

    async fn a_basket_version_has_one_live_payment(&self) {
        let first = self.saved("live").await;
        let second = || {
            let mut state = first.snapshot().clone();
            state.id = PaymentId::from_uuid(self.ids.next());
            state.version = kernel_domain::Version::NEW;
            Payment::from(state)
        };
        assert!(matches!(self.save(&mut second()).await, Err(StoreError::Duplicate(_))));
        let mut first = first.clone();
        first.cancel(self.clock.now()).unwrap();
        self.save(&mut first).await.unwrap();
        self.save(&mut second()).await.unwrap();
        assert!(matches!(self.save(&mut second()).await, Err(StoreError::Duplicate(_))));
    }

    async fn what_is_due_is_found(&self) {
        let due = async |now| self.stores.payments.due(now, 1_000).await.unwrap();
        let now = self.clock.now();
        let mut payment = self.saved("due").await;
        assert!(!due(now).await.contains(&payment.id()));
        assert!(due(now + Payment::QUOTE).await.contains(&payment.id()), "expired");
        payment.begin(None, now).unwrap();
        payment.submit(now).unwrap();
        payment.lose_track(TimeDelta::seconds(3), now).unwrap();
        self.save(&mut payment).await.unwrap();
        assert!(!due(now).await.contains(&payment.id()));
        assert!(due(now + TimeDelta::seconds(3)).await.contains(&payment.id()), "unknown");
        payment.capture("ch".into(), now).unwrap();
        self.save(&mut payment).await.unwrap();
        assert!(!due(now + Payment::QUOTE).await.contains(&payment.id()), "completed");
        let refund = RefundId::from_uuid(self.ids.next());
        payment.request_refund(refund, None, None, None, now).unwrap();
        self.save(&mut payment).await.unwrap();
        assert!(due(now + Payment::STEP_LEASE).await.contains(&payment.id()), "refund");
        payment.finish_refund(refund, now).unwrap();
        self.save(&mut payment).await.unwrap();
        assert!(!due(now + Payment::QUOTE).await.contains(&payment.id()), "refunded");
        assert_eq!(self.stores.payments.due(now + Payment::QUOTE, 1).await.unwrap().len(), 1, "limit");
    }

    async fn pages_are_stable_while_rows_are_added(&self) {
        let mut expected = Vec::new();
        for _ in 0..5 {
            expected.insert(0, self.saved("pages").await.id().to_string());
        }
        let filter = PaymentFilter { user_id: Some(user("pages")), status: Some(PaymentStatus::Pending) };
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = PageRequest::new(Some(2), cursor).unwrap();
            let page = self.stores.queries.list(&filter, &page).await.unwrap().unwrap();
            seen.extend(page.items.into_iter().map(|view| view.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
            self.saved("pages").await;
        }
        assert_eq!(seen, expected);
        let other = PaymentFilter { status: Some(PaymentStatus::Refunded), ..filter };
        let page = PageRequest::new(None, None).unwrap();
        assert!(self.stores.queries.list(&other, &page).await.unwrap().unwrap().items.is_empty());
        let page = PageRequest::new(None, Some("no cursor".into())).unwrap();
        assert_eq!(self.stores.queries.list(&other, &page).await.unwrap(), None);
    }

    async fn callbacks_are_remembered(&self) {
        let payments = &self.stores.payments;
        assert!(!payments.knows_callback("evt_1").await.unwrap());
        payments.remember_callback("evt_1").await.unwrap();
        payments.remember_callback("evt_1").await.unwrap();
        assert!(payments.knows_callback("evt_1").await.unwrap());
    }

    async fn figures_add_up(&self) {
        let before = self.stores.queries.stats().await.unwrap();
        let mut payment = self.completed("stats").await;
        let refund = RefundId::from_uuid(self.ids.next());
        payment.request_refund(refund, Some(usd(250)), None, None, self.clock.now()).unwrap();
        payment.finish_refund(refund, self.clock.now()).unwrap();
        self.save(&mut payment).await.unwrap();
        let after = self.stores.queries.stats().await.unwrap();
        assert_eq!(after.captured.checked_sub(before.captured), Ok(payment.amount()));
        assert_eq!(after.refunded.checked_sub(before.refunded), Ok(usd(250)));
        for (then, now) in before.by_status.iter().zip(&after.by_status) {
            let added = u64::from(now.status == PaymentStatus::PartiallyRefunded);
            assert_eq!((then.status, then.count + added), (now.status, now.count));
        }
        assert_eq!(after.by_status.len(), PaymentStatus::ALL.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::InMemoryPayments;

    #[tokio::test]
    async fn the_fake_keeps_the_contract() {
        let store = Arc::new(InMemoryPayments::default());
        let events = Arc::clone(&store);
        let outbox = move || -> BoxedCount {
            let count = events.events().len() as u64;
            Box::pin(async move { count })
        };
        payment_store_contract(PaymentStores {
            payments: store.clone(),
            queries: store.clone(),
            keys: store,
            outbox: Arc::new(outbox),
        })
        .await;
    }
}
