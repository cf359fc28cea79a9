//! Bring a payment that was left behind to its end.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use kernel_domain::PaymentId;
use payment_domain::{Payment, PaymentStatus, RefundId, RefundState};
use shaku::Component;

use super::save_unless_changed;
use crate::{
    PaymentError, PaymentRepository,
    process::{CheckoutProcess, RefundProcess},
};

/// Go on with whatever of this payment is due: expiry, processing, refunds. Safe to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoverPayment {
    /// The payment.
    pub id: PaymentId,
}

impl Command for RecoverPayment {
    const NAME: &'static str = "recover_payment";
    type Output = ();
    type Error = PaymentError;

    fn permit(&self) -> Permit<'_> {
        Permit::System
    }
}

/// Handles [`RecoverPayment`].
#[derive(Component)]
#[shaku(interface = CommandHandler<RecoverPayment>)]
pub struct RecoverPaymentHandler {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentRepository>,
    #[shaku(inject)]
    pub(crate) checkout: Arc<dyn CheckoutProcess>,
    #[shaku(inject)]
    pub(crate) refunds: Arc<dyn RefundProcess>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<RecoverPayment> for RecoverPaymentHandler {
    async fn handle(&self, ctx: &CallContext, command: RecoverPayment) -> Result<(), PaymentError> {
        let Some(payment) = self.payments.find(command.id, None).await? else { return Ok(()) };
        match payment.status() {
            PaymentStatus::Pending => self.expire(ctx, payment).await,
            PaymentStatus::Processing => self.resume(ctx, payment).await,
            _ => self.refund(ctx, payment).await,
        }
    }
}

impl RecoverPaymentHandler {
    async fn expire(&self, ctx: &CallContext, mut payment: Payment) -> Result<(), PaymentError> {
        payment.expire(self.clock.now())?;
        if payment.status() == PaymentStatus::Expired {
            save_unless_changed(&*self.payments, ctx, &mut payment).await?;
        }
        Ok(())
    }

    /// Takes the payment's lease by a save, which one of several workers wins, and goes on.
    async fn resume(&self, ctx: &CallContext, mut payment: Payment) -> Result<(), PaymentError> {
        let now = self.clock.now();
        if payment.processing().is_none_or(|processing| processing.resume_at > now) {
            return Ok(());
        }
        payment.resume(now)?;
        if save_unless_changed(&*self.payments, ctx, &mut payment).await? {
            self.checkout.advance(ctx, payment).await?;
        }
        Ok(())
    }

    async fn refund(&self, ctx: &CallContext, mut payment: Payment) -> Result<(), PaymentError> {
        let now = self.clock.now();
        let due: Vec<RefundId> = payment
            .refunds()
            .iter()
            .filter(|refund| refund.state == RefundState::Pending && refund.resume_at <= now)
            .map(|refund| refund.id)
            .collect();
        for id in due {
            payment.postpone_refund(id, Payment::STEP_LEASE, now)?;
            if !save_unless_changed(&*self.payments, ctx, &mut payment).await? {
                return Ok(());
            }
            payment = self.refunds.carry_out(ctx, payment, id).await?;
        }
        Ok(())
    }
}
