//! Event plumbing: the CloudEvents envelope, the topics, the relay that empties an outbox and the consumers that fill from a log.
//!
//! A context that consumes implements [`EventHandler`] in its `events` room; its bootstrap crate runs a [`Consumer`]
//! per handler and one [`Relay`]. All of them stop at a record boundary when the `watch` channel they are given turns true.
//! [`DeadLetters`] lists what could not be processed and sends it once more.

mod backoff;
mod cloud_event;
mod consumer;
mod dead_letter;
mod dead_letters;
mod event_workers;
mod handler;
mod housekeeping;
mod lease;
mod relay;
mod stop;
pub mod topics;

pub use cloud_event::{CloudEvent, InvalidEvent};
pub use consumer::{Consumer, ConsumerParts};
pub use dead_letters::{DeadLetter, DeadLetterError, DeadLetters, Replayed};
pub use event_workers::EventWorkers;
pub use handler::{EventHandler, HandleError, Handled};
pub use housekeeping::Housekeeping;
pub use relay::Relay;
