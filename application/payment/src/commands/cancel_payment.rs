//! Cancel a payment that nobody has begun to process.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, IdempotentCommand, Permit};
use payment_domain::PaymentRuleError;
use shaku::Component;

use super::{load, save_unless_changed};
use crate::{PaymentError, PaymentRepository, PaymentView, Rejection};

/// Give a pending payment up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelPayment {
    /// The payment.
    pub id: String,
}

impl Command for CancelPayment {
    const NAME: &'static str = "cancel_payment";
    type Output = PaymentView;
    type Error = PaymentError;

    fn permit(&self) -> Permit<'_> {
        Permit::Known
    }
}

impl IdempotentCommand for CancelPayment {
    fn fingerprint(&self) -> String {
        self.id.clone()
    }
}

/// Handles [`CancelPayment`].
#[derive(Component)]
#[shaku(interface = CommandHandler<CancelPayment>)]
pub struct CancelPaymentHandler {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<CancelPayment> for CancelPaymentHandler {
    async fn handle(&self, ctx: &CallContext, command: CancelPayment) -> Result<PaymentView, PaymentError> {
        let scope = ctx.caller().scope()?;
        loop {
            let mut payment = load(&*self.payments, &command.id, scope).await?;
            payment.cancel(self.clock.now()).map_err(not_pending)?;
            // Losing means that the status has changed, so the next round ends.
            if save_unless_changed(&*self.payments, ctx, &mut payment).await? {
                return Ok(PaymentView::try_from(&payment).map_err(PaymentRuleError::from)?);
            }
        }
    }
}

fn not_pending(rule: PaymentRuleError) -> PaymentError {
    match rule {
        PaymentRuleError::Status { .. } => {
            PaymentError::rejected(Rejection::PaymentNotPending, rule.to_string())
        }
        other => other.into(),
    }
}

#[cfg(test)]
#[path = "cancel_payment_tests.rs"]
mod tests;
