//! The commands: one file each.

mod cancel_payment;
mod create_payment;
mod handle_callback;
mod process_payment;
mod recover_payment;
mod refund_payment;

use kernel_application::{CallContext, StoreError};
use kernel_domain::{PaymentId, UserId};
use payment_domain::Payment;

pub use cancel_payment::{CancelPayment, CancelPaymentHandler};
pub use create_payment::{CreatePayment, CreatePaymentHandler};
pub use handle_callback::{HandleCallback, HandleCallbackHandler};
pub use process_payment::{ProcessPayment, ProcessPaymentHandler};
pub use recover_payment::{RecoverPayment, RecoverPaymentHandler};
pub use refund_payment::{RefundPayment, RefundPaymentHandler};

use crate::{PaymentError, PaymentRepository};

/// The payment, if it is in the caller's `scope`.
async fn load(
    payments: &dyn PaymentRepository,
    id: &str,
    scope: Option<&UserId>,
) -> Result<Payment, PaymentError> {
    let not_found = || PaymentError::NotFound(id.to_owned());
    let payment_id = PaymentId::parse(id).map_err(|_| not_found())?;
    payments.find(payment_id, scope).await?.ok_or_else(not_found)
}

/// Saves; `false` where somebody else was faster, so that the caller looks again.
async fn save_unless_changed(
    payments: &dyn PaymentRepository,
    ctx: &CallContext,
    payment: &mut Payment,
) -> Result<bool, PaymentError> {
    match payments.save(ctx, payment).await {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
