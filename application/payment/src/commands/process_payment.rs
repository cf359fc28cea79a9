//! Process a payment: reserve, charge, conclude. One caller does; the others get its answer.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, IdempotentCommand, Permit};
use kernel_domain::text;
use payment_domain::{Payment, PaymentRuleError, PaymentStatus};
use shaku::Component;

use super::{load, save_unless_changed};
use crate::{PaymentError, PaymentRepository, PaymentView, Rejection, process::CheckoutProcess};

/// Charge a pending payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessPayment {
    /// The payment.
    pub id: String,
    /// What the user pays with, up to 64 characters; the provider's default where absent.
    pub payment_token: Option<String>,
}

impl Command for ProcessPayment {
    const NAME: &'static str = "process_payment";
    /// The payment: completed, failed, or still processing.
    type Output = PaymentView;
    type Error = PaymentError;

    fn permit(&self) -> Permit<'_> {
        Permit::Known
    }
}

impl IdempotentCommand for ProcessPayment {
    fn fingerprint(&self) -> String {
        format!("{:?}", (&self.id, &self.payment_token))
    }
}

/// Handles [`ProcessPayment`].
#[derive(Component)]
#[shaku(interface = CommandHandler<ProcessPayment>)]
pub struct ProcessPaymentHandler {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentRepository>,
    #[shaku(inject)]
    pub(crate) checkout: Arc<dyn CheckoutProcess>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<ProcessPayment> for ProcessPaymentHandler {
    async fn handle(&self, ctx: &CallContext, command: ProcessPayment) -> Result<PaymentView, PaymentError> {
        let token = command.payment_token.map(|token| text("payment_token", &token, 1..=64)).transpose()?;
        let mut payment = load(&*self.payments, &command.id, ctx.caller().scope()?).await?;
        if payment.status() == PaymentStatus::Pending {
            payment = self.begin(ctx, payment, token).await?;
        }
        match payment.status() {
            PaymentStatus::Cancelled | PaymentStatus::Expired | PaymentStatus::Pending => {
                Err(not_pending(&payment))
            }
            _ => Ok(PaymentView::try_from(&payment).map_err(PaymentRuleError::from)?),
        }
    }
}

impl ProcessPaymentHandler {
    /// Begins and goes as far as it gets; the payment as another caller left it, where that one was faster.
    async fn begin(
        &self,
        ctx: &CallContext,
        mut payment: Payment,
        token: Option<String>,
    ) -> Result<Payment, PaymentError> {
        match payment.begin(token, self.clock.now()) {
            Ok(()) => {}
            Err(PaymentRuleError::Expired) => return self.expire(ctx, payment).await,
            Err(rule) => return Err(rule.into()),
        }
        if save_unless_changed(&*self.payments, &ctx.unsettled(), &mut payment).await? {
            self.checkout.advance(ctx, payment).await
        } else {
            load(&*self.payments, &payment.id().to_string(), None).await
        }
    }

    async fn expire(&self, ctx: &CallContext, mut payment: Payment) -> Result<Payment, PaymentError> {
        payment.expire(self.clock.now())?;
        save_unless_changed(&*self.payments, &ctx.unsettled(), &mut payment).await?;
        Err(PaymentError::rejected(
            Rejection::PaymentExpired,
            "the quote is no longer honoured; create a new payment",
        ))
    }
}

fn not_pending(payment: &Payment) -> PaymentError {
    PaymentError::rejected(
        Rejection::PaymentNotPending,
        format!("payment is {}; create a new one", payment.status()),
    )
}

#[cfg(test)]
#[path = "process_payment_tests.rs"]
mod tests;
