//! One unit of work per operation of the ports, for benches: every store is measured by the very same.
//!
//! Each operation takes a number that is spread over all there are and never comes twice, and picks a payment by it.

use std::sync::Arc;

use kernel_application::{
    BoxError, Clock, PageRequest,
    testing::{ManualClock, SequenceIds, context},
};
use kernel_domain::{PaymentId, UserId};
use payment_domain::Payment;

use super::new_payment;
use crate::{PaymentFilter, PaymentQueries, PaymentRepository};

/// What a client sees of a page.
const PAGE: i64 = 20;
/// Among whom the payments are spread.
const USERS: u64 = 100;

/// The ports of a store, and the payments put into it that are being processed.
pub struct Load {
    payments: Arc<dyn PaymentRepository>,
    queries: Arc<dyn PaymentQueries>,
    ids: SequenceIds,
    clock: ManualClock,
    processing: Vec<PaymentId>,
}

impl Load {
    /// Puts `count` payments into the store that wait for their stock.
    pub async fn fill(
        payments: Arc<dyn PaymentRepository>,
        queries: Arc<dyn PaymentQueries>,
        count: u32,
    ) -> Result<Self, BoxError> {
        let (ids, clock) = (SequenceIds::default(), ManualClock::default());
        let mut load = Self { payments, queries, ids, clock, processing: Vec::new() };
        for number in 0..count {
            let mut payment = load.add(number.into()).await?;
            payment.begin(None, load.clock.now())?;
            load.payments.save(&context(), &mut payment).await?;
            load.processing.push(payment.id());
        }
        Ok(load)
    }

    /// Shows one payment.
    pub async fn get(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let id = self.some(chance)?;
        self.queries.get(id, None).await?.map(drop).ok_or_else(|| format!("payment {id} is gone").into())
    }

    /// Shows the newest payments of one user.
    pub async fn list(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let filter = PaymentFilter { status: None, user_id: Some(UserId::new(user(chance))?) };
        let page = self.queries.list(&filter, &PageRequest::new(Some(PAGE), None)?).await?;
        let some = page.is_some_and(|page| !page.items.is_empty());
        if some { Ok(()) } else { Err("the page is empty".into()) }
    }

    /// Keeps a new payment.
    pub async fn create(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        self.add(chance).await.map(drop)
    }

    /// Loads one payment and saves it with its step taken over.
    pub async fn take_step(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let mut payment = self.load(self.some(chance)?).await?;
        payment.resume(self.clock.now())?;
        Ok(self.payments.save(&context(), &mut payment).await?)
    }

    /// Takes a new payment to its end: four saves, the last of them with an event.
    pub async fn process(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let now = self.clock.now();
        let id = self.add(chance).await?.id();
        let steps: [fn(&mut Payment, _) -> _; 3] = [
            |payment, now| payment.begin(None, now),
            Payment::submit,
            |payment, now| payment.capture("charge".to_owned(), now),
        ];
        for step in steps {
            let mut payment = self.load(id).await?;
            step(&mut payment, now)?;
            self.payments.save(&context(), &mut payment).await?;
        }
        Ok(())
    }

    async fn add(&self, chance: u64) -> Result<Payment, BoxError> {
        let mut payment = new_payment(&self.ids, &user(chance), self.clock.now());
        self.payments.save(&context(), &mut payment).await?;
        Ok(payment)
    }

    async fn load(&self, id: PaymentId) -> Result<Payment, BoxError> {
        self.payments.find(id, None).await?.ok_or_else(|| format!("payment {id} is gone").into())
    }

    fn some(&self, chance: u64) -> Result<PaymentId, BoxError> {
        let count = self.processing.len().max(1) as u64;
        let id = self.processing.get(usize::try_from(chance % count)?);
        id.copied().ok_or_else(|| "there are no payments".into())
    }
}

fn user(chance: u64) -> String {
    format!("user-{}", chance % USERS)
}
