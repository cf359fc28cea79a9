//! Refund a payment, in part or whole.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{
    CallContext, Claim, Clock, Command, CommandHandler, IdGenerator, IdempotentCommand, Permit,
};
use kernel_domain::{Money, Violation, text};
use payment_domain::{Payment, PaymentRuleError, Refund, RefundId};
use shaku::Component;

use super::{load, save_unless_changed};
use crate::{KEY_RETENTION, PaymentError, PaymentRepository, PaymentView, Rejection, process::RefundProcess};

/// Give money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundPayment {
    /// The payment.
    pub id: String,
    /// How much; all that is left where absent.
    pub amount: Option<Money>,
    /// Why, up to 500 characters.
    pub reason: Option<String>,
}

impl Command for RefundPayment {
    const NAME: &'static str = "refund_payment";
    type Output = PaymentView;
    type Error = PaymentError;

    fn permit(&self) -> Permit<'_> {
        Permit::Known
    }
}

impl IdempotentCommand for RefundPayment {
    fn fingerprint(&self) -> String {
        format!("{:?}", (&self.id, self.amount.map(Money::minor), &self.reason))
    }
}

/// Handles [`RefundPayment`].
#[derive(Component)]
#[shaku(interface = CommandHandler<RefundPayment>)]
pub struct RefundPaymentHandler {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentRepository>,
    #[shaku(inject)]
    pub(crate) refunds: Arc<dyn RefundProcess>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<RefundPayment> for RefundPaymentHandler {
    async fn handle(&self, ctx: &CallContext, command: RefundPayment) -> Result<PaymentView, PaymentError> {
        let reason = command.reason.map(|reason| text("reason", &reason, 1..=500)).transpose()?;
        let (payment, refund) = self.request(ctx, &command.id, command.amount, reason).await?;
        let payment = self.refunds.carry_out(ctx, payment, refund).await?;
        Ok(PaymentView::try_from(&payment).map_err(PaymentRuleError::from)?)
    }
}

impl RefundPaymentHandler {
    /// The refund, saved as pending. A repeated request finds the refund it made before it was cut off.
    async fn request(
        &self,
        ctx: &CallContext,
        id: &str,
        amount: Option<Money>,
        reason: Option<String>,
    ) -> Result<(Payment, RefundId), PaymentError> {
        let (key, scope) = (ctx.claim().map(request_key), ctx.caller().scope()?);
        loop {
            let mut payment = load(&*self.payments, id, scope).await?;
            let now = self.clock.now();
            let same = |refund: &&Refund| {
                let recent = now - refund.requested_at < KEY_RETENTION;
                key.is_some()
                    && refund.request_key == key
                    && recent
                    && amount.is_none_or(|asked| asked == refund.amount)
            };
            if let Some(refund) = payment.refunds().iter().find(same).map(|refund| refund.id) {
                return Ok((payment, refund));
            }
            let refund = RefundId::from_uuid(self.ids.next());
            payment
                .request_refund(refund, amount, reason.clone(), key.clone(), now)
                .map_err(not_refundable)?;
            if save_unless_changed(&*self.payments, &ctx.unsettled(), &mut payment).await? {
                return Ok((payment, refund));
            }
        }
    }
}

/// The key with its owner: an administrator's refund is not taken for the user's own because both chose the same key.
fn request_key(claim: &Claim) -> String {
    format!("{} {}", claim.key.principal, claim.key.key)
}

fn not_refundable(rule: PaymentRuleError) -> PaymentError {
    match rule {
        PaymentRuleError::Status { .. } => {
            PaymentError::rejected(Rejection::PaymentNotRefundable, rule.to_string())
        }
        PaymentRuleError::RefundExceeds { .. } => {
            PaymentError::rejected(Rejection::RefundExceedsAmount, rule.to_string())
        }
        PaymentRuleError::RefundNotPositive => {
            Violation::new("amount", "out_of_range", "must be above zero").into()
        }
        PaymentRuleError::Money(money) => {
            Violation::new("amount", "invalid_amount", money.to_string()).into()
        }
        other => other.into(),
    }
}

#[cfg(test)]
#[path = "refund_payment_tests.rs"]
mod tests;
