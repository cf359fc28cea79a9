//! What is kept under an idempotency key.

use chrono::TimeDelta;
use kernel_application::{Answer, Command, Kept};

use payment_domain::PaymentStatus;

use crate::{PaymentError, PaymentView, Rejection};

/// How long a key's answer is given again.
pub const KEY_RETENTION: TimeDelta = TimeDelta::hours(24);

/// The first answer under a key: the payment as it was, or why it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentAnswer {
    /// The payment, with nothing under way.
    Payment(Box<PaymentView>),
    /// A rejection. Invalid input and failures of ours are not kept: the request may be sent again.
    Rejected {
        /// Which rule.
        reason: Rejection,
        /// In words.
        detail: String,
    },
}

impl<C: Command<Output = PaymentView, Error = PaymentError>> Answer<C> for PaymentAnswer {
    fn of(result: &Result<PaymentView, PaymentError>) -> Kept<Self> {
        match result {
            // What is under way has no answer yet: the request may be repeated, does no harm, and learns more.
            Ok(view) if view.status == PaymentStatus::Processing || view.refund_pending => Kept::Request,
            Ok(view) => Kept::Answer(Self::Payment(Box::new(view.clone()))),
            Err(PaymentError::Rejected { reason, detail }) => {
                Kept::Answer(Self::Rejected { reason: *reason, detail: detail.clone() })
            }
            Err(_) => Kept::Nothing,
        }
    }

    fn into_result(self) -> Result<PaymentView, PaymentError> {
        match self {
            Self::Payment(view) => Ok(*view),
            Self::Rejected { reason, detail } => Err(PaymentError::Rejected { reason, detail }),
        }
    }
}
