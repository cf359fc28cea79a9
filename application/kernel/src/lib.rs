//! What use cases are made of: handlers and their decorators, the call context, and the ports every context shares.
//!
//! A context's application crate defines its own commands, queries and ports on top of these; adapters implement the ports.

mod clock;
mod context;
mod error;
mod fields;
mod handler;
mod health;
mod idempotency;
mod identity;
pub mod messaging;
mod observe;
mod page;
mod store_error;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod trace;

pub use clock::{Clock, IdGenerator};
pub use context::CallContext;
pub use error::{ErrorClass, UseCaseError};
pub use fields::Fields;
pub use handler::{Command, CommandHandler, Query, QueryHandler};
pub use health::HealthCheck;
pub use idempotency::{
    Answer, Answered, Begin, Claim, IdempotencyError, IdempotencyKey, IdempotencyStore, Idempotent,
    IdempotentCommand, Kept, Keyed,
};
pub use identity::{Caller, Denied, Guarded, Permit, Principal, Role};
pub use observe::{Observation, Observed, UseCaseObserver};
pub use page::{InvalidCursor, Page, PageRequest};
pub use store_error::StoreError;
pub use text::Text;
pub use trace::TraceContext;

/// The error type behind an opaque driver error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
