//! The provider says that something happened to a charge. Its word only makes us ask.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, IdGenerator, Permit, StoreError};
use payment_domain::{Payment, PaymentStatus, RefundId, Step};
use shaku::Component;

use super::{load, save_unless_changed};
use crate::{
    ChargeOutcome, PaymentError, PaymentProvider, PaymentRepository, PeerFailure,
    process::{CheckoutProcess, RefundProcess, charge_key},
};

/// A callback whose signature was found to be right. It moves any user's money, so the system alone may hand it in: the
/// adapter that has checked the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandleCallback {
    /// The callback's id: the provider sends some twice.
    pub event_id: String,
    /// The payment the charge was for.
    pub payment_id: String,
}

impl Command for HandleCallback {
    const NAME: &'static str = "handle_callback";
    type Output = ();
    type Error = PaymentError;

    fn permit(&self) -> Permit<'_> {
        Permit::System
    }
}

/// Handles [`HandleCallback`].
#[derive(Component)]
#[shaku(interface = CommandHandler<HandleCallback>)]
pub struct HandleCallbackHandler {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentRepository>,
    #[shaku(inject)]
    pub(crate) provider: Arc<dyn PaymentProvider>,
    #[shaku(inject)]
    pub(crate) checkout: Arc<dyn CheckoutProcess>,
    #[shaku(inject)]
    pub(crate) refunds: Arc<dyn RefundProcess>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<HandleCallback> for HandleCallbackHandler {
    async fn handle(&self, ctx: &CallContext, command: HandleCallback) -> Result<(), PaymentError> {
        if self.payments.knows_callback(&command.event_id).await? {
            return Ok(());
        }
        let payment = load(&*self.payments, &command.payment_id, None).await?;
        match payment.status() {
            PaymentStatus::Processing => self.ask_again(ctx, payment).await?,
            PaymentStatus::Failed | PaymentStatus::Cancelled | PaymentStatus::Expired => {
                self.give_back(ctx, payment).await?;
            }
            _ => {}
        }
        // Remembered last: a callback that failed or was cut off is dealt with again when the provider repeats it.
        self.payments.remember_callback(&command.event_id).await?;
        Ok(())
    }
}

impl HandleCallbackHandler {
    /// Goes on at once where nobody holds the step; whoever does will ask the provider anyway.
    async fn ask_again(&self, ctx: &CallContext, mut payment: Payment) -> Result<(), PaymentError> {
        let now = self.clock.now();
        match payment.processing().map(|processing| &processing.step) {
            Some(Step::Unknown) => {}
            // What the provider says now may contradict the decline that is being worked off: ask again afterwards.
            Some(Step::Releasing(_)) => return Err(StoreError::Conflict("payment").into()),
            _ => return Ok(()),
        }
        payment.resume(now)?;
        if save_unless_changed(&*self.payments, ctx, &mut payment).await? {
            self.checkout.advance(ctx, payment).await?;
        }
        Ok(())
    }

    /// Money that came for a payment without use for it goes back.
    async fn give_back(&self, ctx: &CallContext, mut payment: Payment) -> Result<(), PaymentError> {
        let found = self.provider.find_charge(ctx, &charge_key(payment.id())).await;
        let found =
            found.map_err(|failure| PeerFailure { peer: "payment-provider", source: failure.into() })?;
        let Some(ChargeOutcome::Captured { charge_id }) = found else { return Ok(()) };
        let refund = RefundId::from_uuid(self.ids.next());
        if payment.capture_late(charge_id, refund, self.clock.now())? {
            // Whoever was faster may not know of the charge: the provider is to call again.
            self.payments.save(ctx, &mut payment).await?;
            self.refunds.carry_out(ctx, payment, refund).await?;
        }
        Ok(())
    }
}
