//! What is seen of forwarded requests: figures by route and backend, and news of the backends.
//!
//! A new figure is a family in `series`, or, where the backends know it themselves, a line in `state`.

mod series;
mod state;

use std::time::Duration;

use gateway_application::{
    AttemptObservation, CallObservation, CallRefusal, Change, ForwardObservation, ForwardObserver,
};
use gateway_domain::{
    Backend,
    breaker::State,
    call::{CallRoute, status_name},
    fleet::Fleet,
};
use kernel_application::{CallContext, UseCaseError};
pub use series::UpstreamSeries;
use shaku::Component;
use slog::{Logger, info, o, warn};
pub use state::register_state;

/// Implements the port with the process's metrics and log.
#[derive(Component)]
#[shaku(interface = ForwardObserver)]
pub struct UpstreamObserver {
    /// The registered series.
    series: UpstreamSeries,
    /// Where lines go.
    logger: Logger,
}

impl ForwardObserver for UpstreamObserver {
    fn attempted(&self, attempt: &AttemptObservation<'_>) {
        self.series.attempted(attempt);
    }

    fn ended(&self, _: &CallContext, request: &ForwardObservation<'_>) {
        let Some(error) = request.result.err().filter(|_| request.attempts == 0) else { return };
        self.series.turned_away(request.service, request.route, error.code());
        if let Some(decider) = request.limited {
            self.series.limited(request.service, request.route, decider);
        }
    }

    /// A call is over when its status is known, so its line is written here.
    fn called(&self, ctx: &CallContext, call: &CallObservation<'_>) {
        let (status, code) = match call.result {
            Ok(status) => (Some(status_name(status)), None),
            Err(error) => (None, Some(error.code())),
        };
        self.series.called(call.service.name(), call.method, status.or(code).unwrap_or_default());
        if let Some(code) = code.filter(|_| call.attempts == 0) {
            self.series.turned_away(call.service, call.method, code);
        }
        if let Some(decider) = call.limited {
            self.series.limited(call.service, call.method, decider);
        }
        let principal = ctx.caller().principal();
        info!(self.logger, "call"; o!(
            "upstream" => call.service.name(),
            "method" => call.method,
            "backend" => call.backend.map(Backend::shared_id),
            "status" => status,
            "code" => code,
            "attempts" => call.attempts,
            "upstream_ms" => millis(call.upstream),
            "duration_ms" => millis(call.elapsed),
            "request_id" => ctx.request_id().to_owned(),
            "trace_id" => ctx.trace().trace_id(),
            "subject" => principal.map(|principal| principal.subject().to_string()),
        ));
    }

    /// What nobody has is no name for a figure: clients could make as many as they like.
    fn refused(&self, ctx: &CallContext, call: &CallRefusal<'_>) {
        let route = call.route;
        let service = route.map_or("unknown", |route| route.service().name());
        let method = route.map_or("unknown", CallRoute::template);
        self.series.called(service, method, call.code);
        if let Some(route) = route {
            self.series.turned_away(route.service(), method, call.code);
        }
        if let (Some(route), Some(decider)) = (route, call.limited) {
            self.series.limited(route.service(), method, decider);
        }
        info!(self.logger, "call"; o!(
            "upstream" => service,
            "method" => method,
            "code" => call.code,
            "attempts" => 0,
            "duration_ms" => millis(call.elapsed),
            "peer" => call.client.address.map(|address| address.to_string()),
            "request_id" => ctx.request_id().to_owned(),
            "trace_id" => ctx.trace().trace_id(),
        ));
    }

    fn changed(&self, fleet: Fleet, backend: &Backend, change: &Change<'_>) {
        self.series.changed(fleet, backend, change);
        let fields = o!(
            "upstream" => fleet.service().name(),
            "protocol" => fleet.protocol(),
            "backend" => backend.shared_id(),
        );
        match change {
            Change::Up => info!(self.logger, "backend is back"; fields),
            Change::Breaker(State::Closed) => info!(self.logger, "circuit breaker closed"; fields),
            Change::Breaker(state) => {
                warn!(self.logger, "circuit breaker changed"; fields, "state" => state.name());
            }
            Change::Down { problem } => warn!(self.logger, "backend is down"; fields, "problem" => *problem),
            Change::Ejected(suspicion) => {
                warn!(self.logger, "backend is left out"; fields, "suspicion" => ?suspicion);
            }
        }
    }
}

/// To the microsecond: most answers come within one.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
