//! Which backends a service has: what is configured or discovered, and on top of it what operators have changed.
//!
//! A [`Fleet`] is the backends of a service that answer in one protocol. A [`Source`] is an entry of a list: a backend, or a name that stands for some. What the sources of a service come to
//! is its base. [`Overrides`] are an operator's changes to it and nothing else: whatever nobody has changed follows the
//! base. [`ServiceOverrides::listed`] puts both together. A new kind of change is a method of [`ServiceOverrides`].

mod edit;
mod name;
mod overrides;
mod service;
mod source;
#[cfg(test)]
mod tests;

pub use edit::Edit;
pub use name::Fleet;
pub use overrides::{Overrides, RateRule};
pub use service::{
    BackendOverride, Listed, Origin, PlacesOverride, Presence, Refusal, ServiceOverrides, Tuning,
};
pub use source::{Source, parse_sources};
