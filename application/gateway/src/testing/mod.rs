//! Backends that exist in memory only, and settings for them.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use futures_util::stream;
use gateway_domain::Backend;
use http::{HeaderMap, StatusCode};
use kernel_application::CallContext;

use crate::{
    BackendList, BackendProbe, ForwardObservation, ForwardObserver, ServiceSettings, Settings,
    UpstreamClient, UpstreamError, UpstreamRequest, UpstreamResponse,
};

/// Answers 200 with an empty body, unless the backend is away; remembers what it was sent and told.
#[derive(Default)]
pub struct ScriptedBackends {
    away: HashSet<String>,
    seen: Mutex<Vec<String>>,
    observed: Mutex<Vec<String>>,
}

impl ScriptedBackends {
    /// The named authorities do not answer.
    pub fn with_away<const N: usize>(away: [&str; N]) -> Self {
        Self { away: away.map(str::to_owned).into(), ..Self::default() }
    }

    /// The requests: `GET a:1/products`.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The observations: `product a:1 200`, with `-` for no status.
    pub fn observed(&self) -> Vec<String> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_away(&self, backend: &Backend) -> bool {
        self.away.contains(backend.authority())
    }
}

#[async_trait]
impl UpstreamClient for ScriptedBackends {
    async fn send(
        &self,
        _: &CallContext,
        backend: &Backend,
        request: UpstreamRequest,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let line = format!("{} {}{}", request.method, backend.authority(), request.target);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        if self.is_away(backend) {
            return Err(UpstreamError::Connect("refused".into()));
        }
        let body = Box::pin(stream::empty());
        Ok(UpstreamResponse { status: StatusCode::OK, headers: HeaderMap::new(), body })
    }
}

#[async_trait]
impl BackendProbe for ScriptedBackends {
    async fn probe(&self, backend: &Backend) -> Result<(), String> {
        if self.is_away(backend) { Err("connection refused".into()) } else { Ok(()) }
    }
}

impl ForwardObserver for ScriptedBackends {
    fn observe(&self, observation: &ForwardObservation<'_>) {
        let ForwardObservation { service, backend, status, .. } = observation;
        let status = status.map_or_else(|| "-".to_owned(), |status| status.as_u16().to_string());
        let line = format!("{service} {} {status}", backend.authority());
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// All services switched on, each with the given backends.
///
/// # Panics
/// Where the list is malformed.
#[expect(clippy::expect_used, reason = "a test that names no backends cannot go on")]
pub fn settings(backends: &str) -> Settings {
    let backends: BackendList = backends.parse().expect("backends");
    let service = ServiceSettings { enabled: true, backends };
    Settings {
        product: service.clone(),
        basket: service.clone(),
        payment: service.clone(),
        notification: service,
    }
}
