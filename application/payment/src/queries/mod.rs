//! The queries: one file each.

mod get_payment;
mod get_stats;
mod list_payments;

pub use get_payment::{GetPayment, GetPaymentHandler};
pub use get_stats::{GetStats, GetStatsHandler};
pub use list_payments::{ListPayments, ListPaymentsHandler};
