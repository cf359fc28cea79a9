//! A ledger in memory.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kernel_application::{CallContext, StoreError};
use kernel_domain::{Money, Timestamp, Version};
use provider_domain::{Callback, Charge, ChargeId, ChargeParts, ChargeStatus, LedgerKey, Refund};

use crate::{
    CallbackQueue, ChargeRepository, ChargeView, EntryView, LedgerQueries, QueuedCallback, RefundView,
    TotalView,
};

/// Keeps what a real ledger keeps, for as long as it lives.
#[derive(Default)]
pub struct MemoryLedger(Mutex<State>);

#[derive(Default)]
struct State {
    lines: Vec<Line>,
    turned_away: HashSet<LedgerKey>,
    callbacks: BTreeMap<i64, (QueuedCallback, Timestamp)>,
    last_callback: i64,
}

enum Line {
    Charge(Charge),
    Refund(Refund),
}

impl MemoryLedger {
    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.state().lines.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refunds(&self) -> impl Iterator<Item = &Refund> {
        self.lines.iter().filter_map(|line| match line {
            Line::Refund(refund) => Some(refund),
            Line::Charge(_) => None,
        })
    }

    fn charge(&self, fits: impl Fn(&Charge) -> bool) -> Option<Charge> {
        self.lines.iter().find_map(|line| match line {
            Line::Charge(charge) if fits(charge) => Some(self.current(charge)),
            _ => None,
        })
    }

    /// The charge with its refunds summed up; its version counts the lines that concern it.
    fn current(&self, charge: &Charge) -> Charge {
        let mine = || self.refunds().filter(|refund| refund.charge_id == charge.id());
        let refunded = mine().map(|refund| refund.amount.minor()).sum();
        Charge::restore(ChargeParts {
            id: charge.id(),
            key: charge.key().clone(),
            request: charge.request().clone(),
            status: charge.status(),
            refunded: Money::from_minor(refunded, charge.currency()),
            created_at: charge.created_at(),
            version: Version::new(1 + mine().count() as u64),
        })
    }

    fn view(&self, entry: i64, line: &Line) -> EntryView {
        match line {
            Line::Charge(charge) => EntryView::Charge { entry, charge: (&self.current(charge)).into() },
            Line::Refund(refund) => EntryView::Refund { entry, refund: refund.into() },
        }
    }

    fn total(&self, reference: &str) -> Option<TotalView> {
        let mut total: Option<TotalView> = None;
        for line in &self.lines {
            let Line::Charge(charge) = line else { continue };
            if charge.request().reference.as_str() != reference {
                continue;
            }
            let zero = Money::zero(charge.currency());
            let total = total.get_or_insert_with(|| TotalView {
                reference: reference.to_owned(),
                captures: 0,
                captured: zero,
                refunded: zero,
            });
            if charge.status() == ChargeStatus::Captured {
                let (captured, refunded) = (charge.request().amount(), self.current(charge).refunded());
                total.captures += 1;
                total.captured = total.captured.checked_add(captured).unwrap_or(captured);
                total.refunded = total.refunded.checked_add(refunded).unwrap_or(refunded);
            }
        }
        total
    }
}

#[async_trait]
impl ChargeRepository for MemoryLedger {
    async fn find(&self, id: ChargeId) -> Result<Option<Charge>, StoreError> {
        Ok(self.state().charge(|charge| charge.id() == id))
    }

    async fn find_by_key(&self, key: &LedgerKey) -> Result<Option<Charge>, StoreError> {
        Ok(self.state().charge(|charge| charge.key() == key))
    }

    async fn find_refund(&self, key: &LedgerKey) -> Result<Option<Refund>, StoreError> {
        Ok(self.state().refunds().find(|refund| refund.key == *key).cloned())
    }

    async fn add(&self, _: &CallContext, charge: &Charge, callbacks: &[Callback]) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.charge(|known| known.key() == charge.key()).is_some() {
            return Err(StoreError::Duplicate("charge key"));
        }
        state.lines.push(Line::Charge(charge.clone()));
        for callback in callbacks {
            state.last_callback += 1;
            let id = state.last_callback;
            let queued = QueuedCallback { id, attempts: 0, callback: callback.clone() };
            state.callbacks.insert(id, (queued, charge.created_at()));
        }
        Ok(())
    }

    async fn add_refund(&self, _: &CallContext, charge: &Charge, refund: &Refund) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.refunds().any(|known| known.key == refund.key) {
            return Err(StoreError::Duplicate("refund key"));
        }
        let current = state.charge(|known| known.id() == charge.id());
        if current.is_none_or(|current| current.version() != charge.version()) {
            return Err(StoreError::Conflict("charge"));
        }
        state.lines.push(Line::Refund(refund.clone()));
        Ok(())
    }

    async fn turn_away(&self, _: &CallContext, key: &LedgerKey) -> Result<bool, StoreError> {
        Ok(self.state().turned_away.insert(key.clone()))
    }
}

#[async_trait]
impl LedgerQueries for MemoryLedger {
    async fn charge_by_key(&self, key: &LedgerKey) -> Result<Option<ChargeView>, StoreError> {
        Ok(self.find_by_key(key).await?.as_ref().map(ChargeView::from))
    }

    async fn refund_by_key(&self, key: &LedgerKey) -> Result<Option<RefundView>, StoreError> {
        Ok(self.find_refund(key).await?.as_ref().map(RefundView::from))
    }

    async fn entries(&self, after: i64, limit: u32) -> Result<Vec<EntryView>, StoreError> {
        let state = self.state();
        let numbered = (1..).zip(&state.lines).filter(|(entry, _)| *entry > after);
        Ok(numbered.take(limit as usize).map(|(entry, line)| state.view(entry, line)).collect())
    }

    async fn totals(&self, mut references: Vec<String>) -> Result<Vec<TotalView>, StoreError> {
        references.sort_unstable();
        let state = self.state();
        Ok(references.iter().filter_map(|reference| state.total(reference)).collect())
    }
}

#[async_trait]
impl CallbackQueue for MemoryLedger {
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<QueuedCallback>, StoreError> {
        let state = self.state();
        let due = state.callbacks.values().filter(|(_, from)| *from <= now);
        Ok(due.take(limit as usize).map(|(queued, _)| queued.clone()).collect())
    }

    async fn remove(&self, id: i64) -> Result<(), StoreError> {
        self.state().callbacks.remove(&id);
        Ok(())
    }

    async fn postpone(&self, id: i64, until: Timestamp) -> Result<(), StoreError> {
        if let Some((queued, from)) = self.state().callbacks.get_mut(&id) {
            queued.attempts += 1;
            *from = until;
        }
        Ok(())
    }
}
