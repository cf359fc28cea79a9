//! Who calls, and what a message lets them do.
//!
//! An inbound adapter finds out who calls and says so in the [`CallContext`](crate::CallContext). Each message says in
//! [`permit`](crate::Command::permit) whom it lets in, and [`Guarded`] asks it before the handler runs, once for all
//! protocols. What depends on data, such as whose payment an id belongs to, is a question to the store: handlers hand it
//! [`Caller::scope`] together with the id.

mod caller;
mod denied;
mod guarded;
mod permit;

pub use caller::{Caller, Principal, Role};
pub use denied::Denied;
pub use guarded::Guarded;
pub use permit::Permit;
