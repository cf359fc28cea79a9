//! Refund: the provider gives the money back, then the payment says so.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, StoreError};
use payment_domain::{Payment, Refund, RefundId, RefundState};
use shaku::{Component, Interface};

use super::PAUSE;
use crate::{PaymentError, PaymentProvider, PaymentRepository, RefundOrder, RefundOutcome, Rejection};

/// Carries a saved refund out.
#[async_trait]
pub trait RefundProcess: Interface {
    /// The payment with the refund done, or still pending where the provider did not answer: the worker goes on.
    ///
    /// The save of the verdict settles the context's claim.
    async fn carry_out(
        &self,
        ctx: &CallContext,
        payment: Payment,
        refund: RefundId,
    ) -> Result<Payment, PaymentError>;
}

/// The process manager.
#[derive(Component)]
#[shaku(interface = RefundProcess)]
pub struct Refunds {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentRepository>,
    #[shaku(inject)]
    pub(crate) provider: Arc<dyn PaymentProvider>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl RefundProcess for Refunds {
    async fn carry_out(
        &self,
        ctx: &CallContext,
        payment: Payment,
        id: RefundId,
    ) -> Result<Payment, PaymentError> {
        let Some(order) = order(&payment, id) else { return verdict(payment, id) };
        let answer = self.provider.refund(ctx, &order).await.ok();
        self.record(ctx, payment, id, answer).await
    }
}

impl Refunds {
    /// Writes the provider's answer down, whoever else changes the payment meanwhile.
    async fn record(
        &self,
        ctx: &CallContext,
        mut payment: Payment,
        id: RefundId,
        answer: Option<RefundOutcome>,
    ) -> Result<Payment, PaymentError> {
        loop {
            if pending(&payment, id).is_none() {
                return verdict(payment, id);
            }
            let now = self.clock.now();
            match answer {
                Some(RefundOutcome::Refunded) => payment.finish_refund(id, now)?,
                Some(RefundOutcome::Refused) => payment.refuse_refund(id, now)?,
                None => payment.postpone_refund(id, PAUSE, now)?,
            }
            let settled = if answer == Some(RefundOutcome::Refunded) { ctx.clone() } else { ctx.unsettled() };
            match self.payments.save(&settled, &mut payment).await {
                Ok(()) => return verdict(payment, id),
                Err(StoreError::Conflict(_)) => {
                    let missing = || PaymentError::NotFound(payment.id().to_string());
                    payment = self.payments.find(payment.id(), None).await?.ok_or_else(missing)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn pending(payment: &Payment, id: RefundId) -> Option<&Refund> {
    payment.refunds().iter().find(|refund| refund.id == id && refund.state == RefundState::Pending)
}

fn order(payment: &Payment, id: RefundId) -> Option<RefundOrder> {
    let refund = pending(payment, id)?;
    let charge_id = payment.snapshot().provider_id.clone()?;
    Some(RefundOrder { key: id.to_string(), charge_id, amount: refund.amount })
}

fn verdict(payment: Payment, id: RefundId) -> Result<Payment, PaymentError> {
    let refused =
        payment.refunds().iter().any(|refund| refund.id == id && refund.state == RefundState::Refused);
    if refused {
        let detail = "the payment provider refused to give the money back";
        return Err(PaymentError::rejected(Rejection::RefundRefused, detail));
    }
    Ok(payment)
}
