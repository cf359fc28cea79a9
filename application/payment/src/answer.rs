//! What is kept under an idempotency key.

use kernel_application::{Answer, Command};

use crate::{PaymentError, PaymentView, Rejection};

/// The first answer under a key: the payment as it was, or why it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentAnswer {
    /// The payment.
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
    fn of(result: &Result<PaymentView, PaymentError>) -> Option<Self> {
        match result {
            Ok(view) => Some(Self::Payment(Box::new(view.clone()))),
            Err(PaymentError::Rejected { reason, detail }) => {
                Some(Self::Rejected { reason: *reason, detail: detail.clone() })
            }
            Err(_) => None,
        }
    }

    fn into_result(self) -> Result<PaymentView, PaymentError> {
        match self {
            Self::Payment(view) => Ok(*view),
            Self::Rejected { reason, detail } => Err(PaymentError::Rejected { reason, detail }),
        }
    }
}
