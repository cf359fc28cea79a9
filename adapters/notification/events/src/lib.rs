//! Wire events of the notification context: it consumes payment-events and publishes none.
//!
//! A further type is a case in [`PaymentEvents`] and a shape in `data.rs`.

mod data;
mod payment_events;

pub use payment_events::PaymentEvents;
