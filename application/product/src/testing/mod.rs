//! Fakes of the ports, and the contract suites that the fake and every real store pass.
//!
//! A store's adapter implements [`StoreUnderTest`] in its tests and runs each suite of [`contract`]. A handler's or an
//! inbound adapter's test takes a [`Fixture`]: all use cases over the fake, with a clock that stands still.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this module serves tests only, and tests panic"
)]

mod audit;
pub mod contract;
mod fake;
mod fake_queries;
mod fixture;
mod load;

pub use audit::{Books, StoreUnderTest};
pub use fake::InMemoryStore;
pub use fixture::{Fixture, use_cases};
pub use load::Load;
