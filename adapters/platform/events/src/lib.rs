//! The event log that a service is told to use (`EVENTS`), and the workers of a context over it.
//!
//! The one place that knows both homes of the log: a service opens [`Events`] and never asks which it got. A new home
//! is an arm in [`Events::open`].

mod config;
pub mod dead_letters;
mod events;

pub use config::EventsConfig;
pub use events::{Events, Store};
