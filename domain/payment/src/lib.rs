//! Payments, their state machine and refunds.
