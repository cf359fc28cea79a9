//! What a context does with an event.

use async_trait::async_trait;
use kernel_application::{BoxError, CallContext, ErrorClass, StoreError, UseCaseError};

use crate::{CloudEvent, InvalidEvent};

/// Decodes an event and runs the command it asks for.
///
/// The context carries the delivery: a handler MUST pass it to exactly one command whose save settles it, or
/// answer [`Handled::Ignored`], upon which the consumer moves on by itself. Beside that save it MUST have no effect: an
/// event that was applied before is handed over again, and only the save can tell.
#[async_trait]
pub trait EventHandler: Send + Sync + 'static {
    /// Applies `event`.
    async fn handle(&self, ctx: &CallContext, event: &CloudEvent) -> Result<Handled, HandleError>;
}

/// What a handler did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// The effect was written, the delivery settled with it.
    Applied,
    /// The event is of no interest; nothing was written.
    Ignored,
}

/// Why an event was not applied.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// It was applied before; the store has moved the position on.
    #[error("event was applied before")]
    AlreadyApplied,
    /// It never will be: it goes to the dead letters with this reason.
    #[error("{0}")]
    Poison(String),
    /// It may be later: it is tried again until it is.
    #[error("event could not be applied for now")]
    Transient(#[source] BoxError),
}

impl HandleError {
    /// Poison where the use case refuses the event for good, transient where a store or peer failed or was contended.
    pub fn of<E: UseCaseError>(error: E) -> Self {
        if error.code() == StoreError::AlreadyApplied.code() {
            return Self::AlreadyApplied;
        }
        match error.class() {
            ErrorClass::Invalid | ErrorClass::NotFound | ErrorClass::Conflict | ErrorClass::Stale => {
                Self::Poison(format!("{}: {error}", error.code()))
            }
            // A consumer that its own use case does not let in is a mistake of ours, and no reason to give an event up.
            ErrorClass::Unauthenticated
            | ErrorClass::Forbidden
            | ErrorClass::Contended
            | ErrorClass::Unavailable
            | ErrorClass::Timeout
            | ErrorClass::Internal => Self::Transient(Box::new(error)),
        }
    }
}

impl From<InvalidEvent> for HandleError {
    fn from(error: InvalidEvent) -> Self {
        Self::Poison(error.to_string())
    }
}
