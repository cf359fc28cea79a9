//! What the product context makes of other contexts' events.
//!
//! A new event type is a file with its data, an arm in [`ProductEvents`], and a line in the event catalogue. Types
//! that have no arm and fields that no struct names are ignored, so that publishers can go ahead.

mod handler;
mod payment_completed;
mod stock_updated;

pub use handler::ProductEvents;
