//! What is remembered of a request for the observer.

use gateway_domain::Route;
use http::Method;

use crate::{ForwardObservation, GatewayError, UpstreamResponse, attempts::Course};

pub(super) struct Report {
    pub(super) course: Course,
    method: Method,
}

impl Report {
    pub(super) fn new(route: &Route, method: Method) -> Self {
        Self { course: Course::begin(route.service(), route.template()), method }
    }

    pub(super) fn observation<'a>(
        &'a self,
        result: &'a Result<UpstreamResponse, GatewayError>,
    ) -> ForwardObservation<'a> {
        let Course { service, route, limited, attempts, upstream, .. } = self.course;
        ForwardObservation {
            service,
            route,
            method: &self.method,
            backend: self.course.backend(),
            attempts,
            limited,
            result: result.as_ref().map(|response| response.status),
            upstream,
            elapsed: self.course.elapsed(),
        }
    }
}
