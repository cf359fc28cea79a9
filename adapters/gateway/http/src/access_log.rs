//! The access log: one line for each request to a known route, when its answer's last byte is gone.

use std::{net::IpAddr, time::Duration};

use actix_web::HttpResponse;
use gateway_application::commands::forward::{Facts, Record};
use http::Method;
use kernel_application::CallContext;
use platform_http::{AccessLine, Sent};
use slog::{Logger, info, o};

/// What is known of a request before it is forwarded.
pub(crate) struct Entry {
    pub(crate) logger: Logger,
    pub(crate) ctx: CallContext,
    pub(crate) method: Method,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) record: Record,
}

impl Entry {
    /// Goes with the answer. Where no route has the path there is nothing to tell that the server does not know.
    pub(crate) fn attach(self, response: &mut HttpResponse) {
        if self.record.facts().is_some() {
            response.extensions_mut().insert(AccessLine::new(move |sent| self.write(sent)));
        }
    }

    fn write(self, sent: Sent) {
        let Some(facts) = self.record.facts() else { return };
        let Facts { service, route, backend, attempts, upstream, code } = facts.clone();
        let principal = self.ctx.caller().principal();
        info!(self.logger, "request"; o!(
            "method" => self.method.to_string(),
            "service" => service.name(),
            "route" => route,
            "backend" => backend,
            "status" => sent.status,
            "code" => code,
            "attempts" => attempts,
            "upstream_ms" => millis(upstream),
            "duration_ms" => millis(sent.duration),
            "bytes" => sent.bytes,
            "request_id" => self.ctx.request_id().to_owned(),
            "trace_id" => self.ctx.trace().trace_id(),
            "peer" => self.peer.map(|peer| peer.to_string()),
            "subject" => principal.map(|principal| principal.subject().to_string()),
        ));
    }
}

/// To the microsecond: most answers come within one.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
