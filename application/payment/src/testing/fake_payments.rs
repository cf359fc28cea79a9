//! The store in memory.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kernel_application::{
    Begin, CallContext, Claim, IdempotencyKey, IdempotencyStore, Page, PageRequest, StoreError,
};
use kernel_domain::{Currency, Money, PaymentId, Timestamp, UserId};
use payment_domain::{Payment, PaymentEvent, PaymentSnapshot, PaymentStatus};

use crate::{
    PaymentAnswer, PaymentFilter, PaymentQueries, PaymentRepository, PaymentStats, PaymentView, StatusCount,
};

/// Keeps payments, events and answers in memory; keeps the same contract as the real stores.
#[derive(Default)]
pub struct InMemoryPayments {
    rows: Mutex<Rows>,
    broken: AtomicBool,
}

#[derive(Default)]
struct Rows {
    payments: BTreeMap<PaymentId, PaymentSnapshot>,
    events: Vec<(PaymentId, PaymentEvent)>,
    callbacks: HashSet<String>,
    keys: HashMap<IdempotencyKey, Key>,
    tokens: u64,
}

struct Key {
    hash: String,
    token: String,
    locked: bool,
    answer: Option<PaymentAnswer>,
}

impl InMemoryPayments {
    /// The events saved so far, as the outbox would hold them.
    pub fn events(&self) -> Vec<(PaymentId, PaymentEvent)> {
        self.rows().events.clone()
    }

    /// Lets every save fail, as a store does that is away.
    pub fn break_saves(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn check(&self, payment: &Payment) -> Result<(), StoreError> {
        let state = payment.snapshot();
        let stored = self.payments.get(&state.id).map(|stored| stored.version).unwrap_or_default();
        if stored != state.version {
            return Err(StoreError::Conflict("payment"));
        }
        let taken = self
            .payments
            .values()
            .any(|other| other.id != state.id && other.basket == state.basket && other.status.holds_basket());
        if taken && state.status.holds_basket() {
            return Err(StoreError::Duplicate("live payment"));
        }
        Ok(())
    }

    fn settle(&mut self, claim: &Claim, answer: PaymentAnswer) -> Result<(), StoreError> {
        match self.keys.get_mut(&claim.key) {
            Some(key) if key.token == claim.token && key.answer.is_none() => key.answer = Some(answer),
            _ => return Err(StoreError::Fenced),
        }
        Ok(())
    }
}

#[async_trait]
impl PaymentRepository for InMemoryPayments {
    async fn find(&self, id: PaymentId, scope: Option<&UserId>) -> Result<Option<Payment>, StoreError> {
        let rows = self.rows();
        let in_scope = |state: &&PaymentSnapshot| scope.is_none_or(|user| *user == state.user_id);
        Ok(rows.payments.get(&id).filter(in_scope).cloned().map(Payment::from))
    }

    async fn save(&self, ctx: &CallContext, payment: &mut Payment) -> Result<(), StoreError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable {
                store: "fake",
                operation: "save",
                source: "broken".into(),
            });
        }
        let mut rows = self.rows();
        rows.check(payment)?;
        let id = payment.id();
        let mut saved = payment.clone();
        saved.mark_saved();
        if let Some(claim) = ctx.claim() {
            rows.settle(claim, PaymentAnswer::Payment(Box::new(view(&saved)?)))?;
        }
        rows.events.extend(payment.events().as_slice().iter().map(|event| (id, event.clone())));
        rows.payments.insert(id, saved.snapshot().clone());
        *payment = saved;
        Ok(())
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, StoreError> {
        let mut due: Vec<_> =
            self.rows().payments.values().filter_map(|state| Some((state.due_at()?, state.id))).collect();
        due.retain(|(at, _)| *at <= now);
        due.sort();
        Ok(due.into_iter().take(limit as usize).map(|(_, id)| id).collect())
    }

    async fn knows_callback(&self, event_id: &str) -> Result<bool, StoreError> {
        Ok(self.rows().callbacks.contains(event_id))
    }

    async fn remember_callback(&self, event_id: &str) -> Result<(), StoreError> {
        self.rows().callbacks.insert(event_id.to_owned());
        Ok(())
    }
}

#[async_trait]
impl PaymentQueries for InMemoryPayments {
    async fn get(&self, id: PaymentId, scope: Option<&UserId>) -> Result<Option<PaymentView>, StoreError> {
        self.find(id, scope).await?.map(|payment| view(&payment)).transpose()
    }

    async fn list(
        &self,
        filter: &PaymentFilter,
        page: &PageRequest,
    ) -> Result<Option<Page<PaymentView>>, StoreError> {
        let Ok(after) = page.cursor().map(PaymentId::parse).transpose() else { return Ok(None) };
        let rows = self.rows();
        let wanted = |state: &&PaymentSnapshot| {
            filter.status.is_none_or(|status| status == state.status)
                && filter.user_id.as_ref().is_none_or(|user| *user == state.user_id)
                && after.is_none_or(|after| state.id < after)
        };
        let newest_first = rows.payments.values().rev().filter(wanted).take(page.limit() as usize + 1);
        let views = newest_first.map(|state| view(&state.clone().into())).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Page::from_rows(views, page.limit(), |view| view.id.clone())))
    }

    async fn stats(&self) -> Result<PaymentStats, StoreError> {
        let rows = self.rows();
        let count = |status| rows.payments.values().filter(|state| state.status == status).count() as u64;
        let by_status =
            PaymentStatus::ALL.map(|status| StatusCount { status, count: count(status) }).to_vec();
        let captured = rows.payments.values().filter(|state| {
            use PaymentStatus::{Completed, PartiallyRefunded, Refunded};
            matches!(state.status, Completed | PartiallyRefunded | Refunded)
        });
        let sum = |amounts: Vec<Money>| Money::sum(amounts, Currency::USD).map_err(failed);
        let amounts = sum(captured.map(|state| state.amount).collect())?;
        let refunded = rows
            .payments
            .values()
            .map(PaymentSnapshot::refunded)
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        Ok(PaymentStats { by_status, captured: amounts, refunded: sum(refunded)? })
    }
}

#[async_trait]
impl IdempotencyStore<PaymentAnswer> for InMemoryPayments {
    async fn begin(
        &self,
        key: IdempotencyKey,
        request_hash: &str,
        _lock: Duration,
    ) -> Result<Begin<PaymentAnswer>, StoreError> {
        let mut rows = self.rows();
        if let Some(known) = rows.keys.get(&key) {
            match &known.answer {
                _ if known.hash != request_hash => return Ok(Begin::Mismatch),
                Some(answer) => return Ok(Begin::Replay(answer.clone())),
                None if known.locked => return Ok(Begin::Running),
                None => {}
            }
        }
        rows.tokens += 1;
        let claim = Claim { key: key.clone(), token: rows.tokens.to_string() };
        rows.keys.insert(
            key,
            Key { hash: request_hash.to_owned(), token: claim.token.clone(), locked: true, answer: None },
        );
        Ok(Begin::Started(claim))
    }

    async fn finish(&self, claim: &Claim, answer: PaymentAnswer) -> Result<(), StoreError> {
        // Where it is settled already, its answer stays.
        let _ = self.rows().settle(claim, answer);
        Ok(())
    }

    async fn suspend(&self, claim: &Claim) -> Result<(), StoreError> {
        if let Some(key) = self.rows().keys.get_mut(&claim.key)
            && key.token == claim.token
        {
            key.locked = false;
        }
        Ok(())
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let held =
            rows.keys.get(&claim.key).is_some_and(|key| key.token == claim.token && key.answer.is_none());
        if held {
            rows.keys.remove(&claim.key);
        }
        Ok(())
    }
}

fn view(payment: &Payment) -> Result<PaymentView, StoreError> {
    PaymentView::try_from(payment).map_err(failed)
}

fn failed(error: kernel_domain::MoneyError) -> StoreError {
    StoreError::Failed { store: "fake", operation: "sum", source: error.into() }
}
