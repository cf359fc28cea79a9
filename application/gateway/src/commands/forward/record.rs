//! What became of a request, for whoever writes the access log: the line has to wait for the answer's last byte.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use gateway_domain::{Backend, Service};
use kernel_application::UseCaseError;

use crate::ForwardObservation;

/// Filled in by the time a request is answered. Copies are the same record.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<OnceLock<Facts>>);

/// What became of a request to a known route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The service.
    pub service: Service,
    /// The pattern of the route.
    pub route: &'static str,
    /// The id of the backend that was asked last; `None` where none was.
    pub backend: Option<Arc<str>>,
    /// How many times a backend was asked.
    pub attempts: u32,
    /// How long the backends took to the head of their answers, all attempts together.
    pub upstream: Duration,
    /// Why there is no backend's answer.
    pub code: Option<&'static str>,
}

impl Record {
    /// What is known; `None` before the answer, and where no route has the path.
    pub fn facts(&self) -> Option<&Facts> {
        self.0.get()
    }

    pub(super) fn keep(&self, seen: &ForwardObservation<'_>) {
        // Kept once: a request is answered once.
        let _ = self.0.set(Facts {
            service: seen.service,
            route: seen.route,
            backend: seen.backend.map(Backend::shared_id),
            attempts: seen.attempts,
            upstream: seen.upstream,
            code: seen.result.err().map(UseCaseError::code),
        });
    }
}
