//! Baskets and their lines: what a user means to buy, at the price seen when it was put in.
//!
//! [`Basket`] is the one aggregate; every rule on its content is a method of it.

mod basket;
mod error;
mod line;
mod offer;
mod paid;
mod stamp;

pub use basket::{Basket, BasketState, Change};
pub use error::Refusal;
pub use line::{Line, LineState};
pub use offer::Offer;
pub use paid::{Paid, PaidLine};
pub use stamp::Stamp;
