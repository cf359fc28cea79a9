//! What happened to a payment.

use crate::{Failure, RefundId};

/// Recorded with a verdict; the wire events are made from it and the payment's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentEvent {
    /// The money was captured: stock leaves, the basket's lines go.
    Completed,
    /// There will be no money.
    Failed(Failure),
    /// A part or all of the money was given back; once all is, the units return to stock.
    Refunded(RefundId),
}
