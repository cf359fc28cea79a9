//! What is seen of forwarded requests: figures by route and backend, one log line each, and news of the backends.
//!
//! A new figure is a family in `series`, or, where the backends know it themselves, a line in `state`.

mod series;
mod state;

use std::time::Duration;

use gateway_application::{AttemptObservation, Change, ForwardObservation, ForwardObserver};
use gateway_domain::{Backend, Service, breaker::State};
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

    fn ended(&self, ctx: &CallContext, request: &ForwardObservation<'_>) {
        let (status, code) = match request.result {
            Ok(status) => (status.as_u16(), ""),
            Err(error) => (0, error.code()),
        };
        if request.attempts == 0 && !code.is_empty() {
            self.series.turned_away(request.service, request.route, code);
        }
        // The name of the backend is copied only here, as the line is written by another thread.
        info!(self.logger, "forwarded"; o!(
            "method" => request.method.to_string(),
            "route" => request.route,
            "backend" => request.backend.map(Backend::shared_authority),
            "status" => (status > 0).then_some(status),
            "code" => code,
            "attempts" => request.attempts,
            "upstream_ms" => millis(request.upstream),
            "duration_ms" => millis(request.elapsed),
            "request_id" => ctx.request_id().to_owned(),
            "trace_id" => ctx.trace().trace_id(),
        ));
    }

    fn changed(&self, service: Service, backend: &Backend, change: &Change<'_>) {
        self.series.changed(service, backend, change);
        let fields = o!("service" => service.name(), "backend" => backend.shared_authority());
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
