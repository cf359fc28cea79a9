//! Which backend takes the next request.
//!
//! The [`Roster`] looks after a service's backends and decides who takes part; the [`Pool`] is the snapshot of its
//! decision that requests choose from. A new way to choose is a variant of [`Strategy`].

mod choice;
mod entry;
mod latency;
mod pool;
mod roster;
mod strategy;
#[cfg(test)]
mod tests;
mod view;
mod wheel;

pub use latency::PeakEwma;
pub use pool::{Attempt, Pool, Unavailable};
pub use roster::{Roster, RosterError, RosterSettings};
pub use strategy::Strategy;
pub use view::{Condition, MemberView};
