//! Use cases of the payment context: checkout, refund, and the recovery that brings both to an end.
//!
//! A new use case is a file in `commands/` or `queries/`; what takes several transactions is a process manager in `process/`.

mod answer;
pub mod commands;
mod error;
mod ports;
pub mod process;
pub mod queries;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod use_cases;
mod views;

pub use answer::{KEY_RETENTION, PaymentAnswer};
pub use error::{PaymentError, Rejection};
pub use payment_domain::{PaymentMethod, PaymentStatus};
pub use ports::{
    BasketLine, BasketQuote, Baskets, Charge, ChargeOutcome, PaymentFilter, PaymentProvider, PaymentQueries,
    PaymentRepository, PeerFailure, ProductQuote, Products, ProviderFailure, RefundOrder, RefundOutcome,
    Reservation, ReservationLine,
};
pub use use_cases::{PaymentHandlers, PaymentUseCases};
pub use views::{PaymentItemView, PaymentStats, PaymentView, StatusCount};
