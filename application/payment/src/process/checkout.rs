//! Checkout: reserve stock, charge, conclude; release what was reserved where the charge is declined.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, StoreError};
use payment_domain::{Failure, Payment, PaymentRuleError, Step};
use shaku::{Component, Interface};

use super::{PAUSE, charge_key};
use crate::{
    Charge, ChargeOutcome, PaymentError, PaymentProvider, PaymentRepository, Products, Reservation,
    ReservationLine,
};

/// Takes a payment that is processing as far as it gets.
#[async_trait]
pub trait CheckoutProcess: Interface {
    /// The payment with its verdict, or still processing where somebody did not answer: the recovery worker goes on.
    ///
    /// The verdict's save settles the context's claim.
    async fn advance(&self, ctx: &CallContext, payment: Payment) -> Result<Payment, PaymentError>;
}

/// The process manager.
#[derive(Component)]
#[shaku(interface = CheckoutProcess)]
pub struct Checkout {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentRepository>,
    #[shaku(inject)]
    pub(crate) products: Arc<dyn Products>,
    #[shaku(inject)]
    pub(crate) provider: Arc<dyn PaymentProvider>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

/// What a step leads to.
enum Next {
    /// The next step, saved before it is taken.
    Step,
    /// A verdict, saved with its events and the answer.
    Verdict,
    /// Nothing for now.
    Wait,
}

#[async_trait]
impl CheckoutProcess for Checkout {
    async fn advance(&self, ctx: &CallContext, mut payment: Payment) -> Result<Payment, PaymentError> {
        while let Some(processing) = payment.processing() {
            let next = match processing.step {
                Step::Reserving => self.reserve(ctx, &mut payment).await?,
                Step::Submitted | Step::Unknown => self.charge(ctx, &mut payment).await?,
                Step::Releasing(_) => self.release(ctx, &mut payment).await?,
            };
            let settle = matches!(next, Next::Verdict);
            let ctx = if settle { ctx.clone() } else { ctx.unsettled() };
            match self.payments.save(&ctx, &mut payment).await {
                Ok(()) if matches!(next, Next::Wait) => break,
                Ok(()) => {}
                // Somebody else took over: theirs is the payment's state.
                Err(StoreError::Conflict(_)) => return self.current(payment).await,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(payment)
    }
}

impl Checkout {
    async fn reserve(&self, ctx: &CallContext, payment: &mut Payment) -> Result<Next, PaymentRuleError> {
        let state = payment.snapshot();
        let lines: Vec<_> = state
            .items
            .iter()
            .map(|item| ReservationLine { product_id: item.product_id(), quantity: item.quantity() })
            .collect();
        let answer = self.products.reserve(ctx, state.id, &lines).await;
        let now = self.clock.now();
        match answer {
            Ok(Reservation::Reserved) => payment.submit(now).map(|()| Next::Step),
            Ok(Reservation::Refused(short)) => {
                let names: Vec<_> = short.iter().map(ToString::to_string).collect();
                let reason = format!("not enough stock of product {}", names.join(", "));
                let failure = Failure { code: "insufficient_stock".to_owned(), reason };
                payment.fail_unreserved(failure, now).map(|()| Next::Verdict)
            }
            Err(_) => payment.postpone(PAUSE, now).map(|()| Next::Wait),
        }
    }

    async fn charge(&self, ctx: &CallContext, payment: &mut Payment) -> Result<Next, PaymentRuleError> {
        let state = payment.snapshot();
        let charge = Charge {
            key: charge_key(state.id),
            payment_id: state.id,
            amount: state.amount,
            method: state.method,
            token: payment.processing().and_then(|processing| processing.token.clone()),
        };
        let answer = self.provider.charge(ctx, &charge).await;
        let now = self.clock.now();
        match answer {
            Ok(ChargeOutcome::Captured { charge_id }) => {
                payment.capture(charge_id, now).map(|()| Next::Verdict)
            }
            Ok(ChargeOutcome::Declined { code }) => {
                let reason = format!("the payment provider declined: {code}");
                payment.decline(Failure { code, reason }, now).map(|()| Next::Step)
            }
            Err(_) => payment.lose_track(PAUSE, now).map(|()| Next::Wait),
        }
    }

    async fn release(&self, ctx: &CallContext, payment: &mut Payment) -> Result<Next, PaymentRuleError> {
        let answer = self.products.release(ctx, payment.id()).await;
        let now = self.clock.now();
        match answer {
            Ok(()) => payment.finish_release(now).map(|()| Next::Verdict),
            Err(_) => payment.postpone(PAUSE, now).map(|()| Next::Wait),
        }
    }

    async fn current(&self, payment: Payment) -> Result<Payment, PaymentError> {
        Ok(self.payments.find(payment.id(), None).await?.unwrap_or(payment))
    }
}

#[cfg(test)]
#[path = "checkout_tests.rs"]
mod tests;
