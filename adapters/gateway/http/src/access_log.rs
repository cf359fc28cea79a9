//! The access log: one line for each request to a known route, when its answer's last byte is gone.

use std::{fmt, net::IpAddr, time::Duration};

use actix_web::HttpResponse;
use gateway_application::commands::forward::Record;
use http::Method;
use kernel_application::CallContext;
use platform_http::{AccessLine, Sent};
use slog::{Key, Logger, Serializer, Value, info};

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
        let principal = self.ctx.caller().principal();
        // Values are lent, so that the line is all that is written of them.
        info!(self.logger, "request";
            "method" => self.method.as_str(),
            "service" => facts.service.name(),
            "route" => facts.route,
            "backend" => facts.backend.as_deref(),
            "status" => sent.status,
            "code" => facts.code,
            "attempts" => facts.attempts,
            "upstream_ms" => millis(facts.upstream),
            "duration_ms" => millis(sent.duration),
            "bytes" => sent.bytes,
            "request_id" => self.ctx.request_id(),
            "trace_id" => self.ctx.trace().trace_id(),
            "peer" => self.peer.map(Shown),
            "subject" => principal.map(|principal| Shown(principal.subject())),
        );
    }
}

/// As it reads, without a text of its own.
struct Shown<T>(T);

impl<T: fmt::Display> Value for Shown<T> {
    fn serialize(&self, _: &slog::Record<'_>, key: Key, serializer: &mut dyn Serializer) -> slog::Result {
        serializer.emit_arguments(key, &format_args!("{}", self.0))
    }
}

/// To the microsecond: most answers come within one.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
