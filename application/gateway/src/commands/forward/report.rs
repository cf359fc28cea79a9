//! What is remembered of a request for the observer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_domain::{Route, Service, member::Member};
use http::Method;

use crate::{ForwardObservation, GatewayError, UpstreamResponse};

pub(super) struct Report {
    pub(super) service: Service,
    pub(super) route: &'static str,
    method: Method,
    start: Instant,
    backend: Option<Arc<Member>>,
    attempts: u32,
    upstream: Duration,
}

impl Report {
    pub(super) fn new(route: &Route, method: Method) -> Self {
        let (service, route) = (route.service(), route.template());
        let start = Instant::now();
        Self { service, route, method, start, backend: None, attempts: 0, upstream: Duration::ZERO }
    }

    /// Another attempt has ended.
    pub(super) fn attempted(&mut self, backend: &Arc<Member>, elapsed: Duration) {
        self.backend = Some(Arc::clone(backend));
        self.attempts += 1;
        self.upstream += elapsed;
    }

    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn observation<'a>(
        &'a self,
        result: &'a Result<UpstreamResponse, GatewayError>,
    ) -> ForwardObservation<'a> {
        ForwardObservation {
            service: self.service,
            route: self.route,
            method: &self.method,
            backend: self.backend.as_deref().map(Member::backend),
            attempts: self.attempts,
            result: result.as_ref().map(|response| response.status),
            upstream: self.upstream,
            elapsed: self.start.elapsed(),
        }
    }
}
