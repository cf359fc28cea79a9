//! Wire events of the basket context.
//!
//! The context publishes none; it consumes `basket.cleared.v1`. Another type gets a file with its data and an arm in
//! [`BasketEvents`]. Types and fields we do not know are ignored.

mod cleared;
mod handler;

pub use handler::BasketEvents;
