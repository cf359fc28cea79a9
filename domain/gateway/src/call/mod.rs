//! Calls by gRPC: which service a method belongs to, and how long its messages are.
//!
//! A call is passed on as bytes. What the gateway knows of a method beside its name is what it needs to protect the
//! services: whether one message goes each way, and whether it changes anything. A method that is not in the table of
//! [`CallRoute`] is passed on all the same, as one of which nothing is known. Who may call it is a matter of
//! [`Access`](crate::Access).

mod messages;
mod route;
mod status;

pub use messages::{MessageMeter, MessageTooLong};
pub use route::{CallKind, CallRoute};
pub use status::status_name;
