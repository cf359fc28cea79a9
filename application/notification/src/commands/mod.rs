//! What changes notifications.

mod deliver_due;
mod mark_read;
mod notify_payment;

pub use deliver_due::{
    Attempt, AttemptOutcome, DeliverDue, DeliverDueHandler, DeliverDueHandlerParameters, DeliverySettings,
    StopFlag,
};
pub use mark_read::{MarkRead, MarkReadHandler};
pub use notify_payment::{NotifyPayment, NotifyPaymentHandler, PaymentOutcome, PurchasedLine};
