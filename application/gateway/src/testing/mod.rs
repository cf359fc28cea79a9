//! Backends that exist in memory only, and settings for them.

mod clock;
pub mod state_store;

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use gateway_domain::{Backend, Outcome, call::CallRoute, fleet::Fleet};
use http::StatusCode;
use kernel_application::{CallContext, UseCaseError};

pub use self::clock::TokioClock;
use crate::{
    AttemptObservation, BackendList, BackendProbe, BalancingSettings, CallObservation, CallRefusal, Change,
    Decider, Fields, ForwardObservation, ForwardObserver, RequestBody, ServiceSettings, Settings,
    UpstreamClient, UpstreamError, UpstreamRequest, UpstreamResponse,
};

/// Answers 200 with an empty body, unless it is told otherwise; remembers what it was sent and told.
#[derive(Default)]
pub struct ScriptedBackends {
    away: Mutex<HashSet<String>>,
    breaking: HashSet<String>,
    statuses: HashMap<String, StatusCode>,
    seen: Lines,
    attempted: Lines,
    ended: Lines,
    limited: Mutex<Vec<Decider>>,
    changed: Lines,
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Lines {
    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn get(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ScriptedBackends {
    /// No connection can be made to the named authorities.
    pub fn with_away<const N: usize>(away: [&str; N]) -> Self {
        Self { away: Mutex::new(away.map(str::to_owned).into()), ..Self::default() }
    }

    /// Nor to any of the others, from now on; or to them again.
    pub fn set_away<const N: usize>(&self, away: [&str; N]) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = away.map(str::to_owned).into();
    }

    /// The named authorities read the whole request and break off.
    #[must_use]
    pub fn breaking<const N: usize>(mut self, breaking: [&str; N]) -> Self {
        self.breaking = breaking.map(str::to_owned).into();
        self
    }

    /// The authority answers with this status.
    #[must_use]
    pub fn answering(mut self, authority: &str, status: StatusCode) -> Self {
        self.statuses.insert(authority.to_owned(), status);
        self
    }

    /// The requests: `GET a:1/products body`.
    pub fn seen(&self) -> Vec<String> {
        self.seen.get()
    }

    /// The attempts: `product a:1 200`, with `-` for no status.
    pub fn attempted(&self) -> Vec<String> {
        self.attempted.get()
    }

    /// The requests that have ended: `/products/* a:1 2 200`, with the last backend, the attempts, and status or code.
    pub fn ended(&self) -> Vec<String> {
        self.ended.get()
    }

    /// Who limited the requests that were limited.
    pub fn limited(&self) -> Vec<Decider> {
        self.limited.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The news: `product a:1 Up`, `product-grpc a:1 Up`.
    pub fn changed(&self) -> Vec<String> {
        self.changed.get()
    }

    fn is_away(&self, backend: &Backend) -> bool {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).contains(backend.authority())
    }
}

#[async_trait]
impl UpstreamClient for ScriptedBackends {
    async fn send(
        &self,
        _: &CallContext,
        backend: &Backend,
        request: &UpstreamRequest,
        body: RequestBody,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let line = format!("{} {}{}", request.method, backend.authority(), request.target.as_str());
        if self.is_away(backend) {
            self.seen.push(line);
            return Err(UpstreamError::Connect("refused".into()));
        }
        let body = read(body).await?;
        self.seen.push(format!("{line} {body}").trim_end().to_owned());
        if self.breaking.contains(backend.authority()) {
            return Err(UpstreamError::Exchange("broke off".into()));
        }
        let status = self.statuses.get(backend.authority()).copied().unwrap_or_default();
        Ok(UpstreamResponse::new(status, Fields::default(), Bytes::new()))
    }
}

async fn read(body: RequestBody) -> Result<String, UpstreamError> {
    let mut pieces = match body {
        RequestBody::Empty => return Ok(String::new()),
        RequestBody::Whole(whole) => return Ok(String::from_utf8_lossy(&whole).into_owned()),
        RequestBody::Stream(pieces) => pieces,
    };
    let mut text = String::new();
    while let Some(piece) = pieces.next().await {
        text.push_str(&String::from_utf8_lossy(&piece?));
    }
    Ok(text)
}

#[async_trait]
impl BackendProbe for ScriptedBackends {
    async fn probe(&self, backend: &Backend) -> Result<(), String> {
        if self.is_away(backend) { Err("connection refused".into()) } else { Ok(()) }
    }
}

impl ForwardObserver for ScriptedBackends {
    fn attempted(&self, attempt: &AttemptObservation<'_>) {
        let AttemptObservation { service, backend, outcome, .. } = attempt;
        let status = match outcome {
            Outcome::Answered(status) => status.to_string(),
            _ => "-".to_owned(),
        };
        self.attempted.push(format!("{service} {} {status}", backend.authority()));
    }

    fn ended(&self, _: &CallContext, request: &ForwardObservation<'_>) {
        let ForwardObservation { route, backend, attempts, limited, result, .. } = request;
        self.limited.lock().unwrap_or_else(PoisonError::into_inner).extend(limited);
        let backend = backend.map_or("-", Backend::authority);
        let result =
            result.map_or_else(|error| error.code().to_owned(), |status| status.as_u16().to_string());
        self.ended.push(format!("{route} {backend} {attempts} {result}"));
    }

    fn called(&self, _: &CallContext, call: &CallObservation<'_>) {
        let CallObservation { method, backend, attempts, limited, result, .. } = call;
        self.limited.lock().unwrap_or_else(PoisonError::into_inner).extend(limited);
        let backend = backend.map_or("-", Backend::authority);
        let result = result.map_or_else(|error| error.code().to_owned(), |status| status.to_string());
        self.ended.push(format!("{method} {backend} {attempts} {result}"));
    }

    fn refused(&self, _: &CallContext, call: &CallRefusal<'_>) {
        self.limited.lock().unwrap_or_else(PoisonError::into_inner).extend(call.limited);
        let method = call.route.map_or("unknown", CallRoute::template);
        self.ended.push(format!("{method} - 0 {}", call.code));
    }

    fn changed(&self, fleet: Fleet, backend: &Backend, change: &Change<'_>) {
        self.changed.push(format!("{fleet} {} {change:?}", backend.authority()));
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
        balancing: BalancingSettings::default(),
    }
}
