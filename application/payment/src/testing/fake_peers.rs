//! Baskets, products and a provider in memory.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kernel_application::CallContext;
use kernel_domain::{Money, PaymentId, ProductId, UserId};

use crate::{
    BasketQuote, Baskets, Charge, ChargeOutcome, PaymentProvider, PeerFailure, ProductQuote, Products,
    ProviderFailure, RefundOrder, RefundOutcome, Reservation, ReservationLine,
};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Baskets that a test sets.
#[derive(Default)]
pub struct FakeBaskets(Mutex<HashMap<UserId, BasketQuote>>);

impl FakeBaskets {
    /// Gives `user` this basket.
    pub fn put(&self, user: UserId, basket: BasketQuote) {
        lock(&self.0).insert(user, basket);
    }
}

#[async_trait]
impl Baskets for FakeBaskets {
    async fn basket_of(&self, _: &CallContext, user: &UserId) -> Result<Option<BasketQuote>, PeerFailure> {
        Ok(lock(&self.0).get(user).cloned())
    }
}

/// Products with stock and reservations.
#[derive(Default)]
pub struct FakeProducts(Mutex<Stock>);

#[derive(Default)]
struct Stock {
    products: HashMap<ProductId, ProductQuote>,
    reservations: HashMap<PaymentId, Vec<ReservationLine>>,
    away: bool,
}

impl FakeProducts {
    /// Sells `available` units at `price`.
    pub fn put(&self, id: ProductId, price: Money, available: u64) {
        lock(&self.0).products.insert(id, ProductQuote { price, available });
    }

    /// Whether calls fail.
    pub fn set_away(&self, away: bool) {
        lock(&self.0).away = away;
    }

    /// The payments that hold a reservation.
    pub fn reserved(&self) -> Vec<PaymentId> {
        lock(&self.0).reservations.keys().copied().collect()
    }

    fn stock(&self) -> Result<MutexGuard<'_, Stock>, PeerFailure> {
        let stock = lock(&self.0);
        if stock.away {
            return Err(PeerFailure { peer: "product-service", source: "away".into() });
        }
        Ok(stock)
    }
}

#[async_trait]
impl Products for FakeProducts {
    async fn product(&self, _: &CallContext, id: ProductId) -> Result<Option<ProductQuote>, PeerFailure> {
        Ok(self.stock()?.products.get(&id).copied())
    }

    async fn reserve(
        &self,
        _: &CallContext,
        payment: PaymentId,
        lines: &[ReservationLine],
    ) -> Result<Reservation, PeerFailure> {
        let mut stock = self.stock()?;
        if stock.reservations.contains_key(&payment) {
            return Ok(Reservation::Reserved);
        }
        let short = |line: &&ReservationLine| {
            let available = stock.products.get(&line.product_id).map_or(0, |product| product.available);
            available < u64::from(line.quantity.get())
        };
        let refused: Vec<_> = lines.iter().filter(short).map(|line| line.product_id).collect();
        if !refused.is_empty() {
            return Ok(Reservation::Refused(refused));
        }
        for line in lines {
            if let Some(product) = stock.products.get_mut(&line.product_id) {
                product.available -= u64::from(line.quantity.get());
            }
        }
        stock.reservations.insert(payment, lines.to_vec());
        Ok(Reservation::Reserved)
    }

    async fn release(&self, _: &CallContext, payment: PaymentId) -> Result<(), PeerFailure> {
        let mut stock = self.stock()?;
        for line in stock.reservations.remove(&payment).unwrap_or_default() {
            if let Some(product) = stock.products.get_mut(&line.product_id) {
                product.available += u64::from(line.quantity.get());
            }
        }
        Ok(())
    }
}

/// What the provider does with the next call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderScript {
    /// Declines with this code.
    Decline(&'static str),
    /// Does what was asked and does not answer.
    LoseAnswer,
    /// Does nothing and does not answer.
    LoseRequest,
    /// Refuses a refund.
    Refuse,
}

/// A provider with a ledger: one entry per key.
#[derive(Default)]
pub struct FakeProvider(Mutex<Ledger>);

#[derive(Default)]
struct Ledger {
    charges: HashMap<String, ChargeOutcome>,
    refunds: HashMap<String, Money>,
    script: VecDeque<ProviderScript>,
}

impl FakeProvider {
    /// Adds to what the next calls do; without a script, charges are captured and refunds made.
    pub fn script(&self, next: ProviderScript) {
        lock(&self.0).script.push_back(next);
    }

    /// How many charges were captured.
    pub fn captures(&self) -> usize {
        let captured = |outcome: &&ChargeOutcome| matches!(outcome, ChargeOutcome::Captured { .. });
        lock(&self.0).charges.values().filter(captured).count()
    }

    /// The amounts given back.
    pub fn refunds(&self) -> Vec<Money> {
        lock(&self.0).refunds.values().copied().collect()
    }

    /// Captures a charge behind the payment's back.
    pub fn capture_late(&self, key: &str) {
        let captured = ChargeOutcome::Captured { charge_id: format!("ch_{key}") };
        lock(&self.0).charges.insert(key.to_owned(), captured);
    }
}

fn no_answer() -> ProviderFailure {
    ProviderFailure { source: "timed out".into() }
}

#[async_trait]
impl PaymentProvider for FakeProvider {
    async fn charge(&self, _: &CallContext, charge: &Charge) -> Result<ChargeOutcome, ProviderFailure> {
        let mut ledger = lock(&self.0);
        if let Some(first) = ledger.charges.get(&charge.key) {
            return Ok(first.clone());
        }
        let script = ledger.script.pop_front();
        if script == Some(ProviderScript::LoseRequest) {
            return Err(no_answer());
        }
        let outcome = match &script {
            Some(ProviderScript::Decline(code)) => ChargeOutcome::Declined { code: (*code).to_owned() },
            _ => ChargeOutcome::Captured { charge_id: format!("ch_{}", charge.key) },
        };
        ledger.charges.insert(charge.key.clone(), outcome.clone());
        if script == Some(ProviderScript::LoseAnswer) { Err(no_answer()) } else { Ok(outcome) }
    }

    async fn find_charge(
        &self,
        _: &CallContext,
        key: &str,
    ) -> Result<Option<ChargeOutcome>, ProviderFailure> {
        let mut ledger = lock(&self.0);
        if ledger.script.front() == Some(&ProviderScript::LoseRequest) {
            ledger.script.pop_front();
            return Err(no_answer());
        }
        Ok(ledger.charges.get(key).cloned())
    }

    async fn refund(&self, _: &CallContext, refund: &RefundOrder) -> Result<RefundOutcome, ProviderFailure> {
        let mut ledger = lock(&self.0);
        if ledger.refunds.contains_key(&refund.key) {
            return Ok(RefundOutcome::Refunded);
        }
        let script = ledger.script.pop_front();
        match script {
            Some(ProviderScript::LoseRequest) => return Err(no_answer()),
            Some(ProviderScript::Refuse) => return Ok(RefundOutcome::Refused),
            _ => {}
        }
        ledger.refunds.insert(refund.key.clone(), refund.amount);
        if script == Some(ProviderScript::LoseAnswer) {
            Err(no_answer())
        } else {
            Ok(RefundOutcome::Refunded)
        }
    }
}
