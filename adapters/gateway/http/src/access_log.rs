//! The access log: one line for each request to a known route, when its answer's last byte is gone.

use std::{net::IpAddr, rc::Rc, time::Duration};

use gateway_application::{commands::forward::Record, policy::AddressText};
use http::Method;
use kernel_application::CallContext;
use platform_http::{AccessLine, Sent};
use slog::{Logger, info};

/// What is known of a request before it is forwarded.
pub(crate) struct Entry {
    pub(crate) logger: Logger,
    pub(crate) ctx: Rc<CallContext>,
    pub(crate) method: Method,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) record: Record,
}

impl Entry {
    /// Goes with the answer. Where no route has the path there is nothing to tell that the server does not know.
    pub(crate) fn line(self) -> Option<AccessLine> {
        self.record.facts().is_some().then(|| AccessLine::new(move |sent| self.write(sent)))
    }

    fn write(self, sent: Sent) {
        let Some(facts) = self.record.facts() else { return };
        let principal = self.ctx.caller().principal();
        // Values are lent, so that the line is all that is written of them.
        info!(self.logger, "request";
            "method" => self.method.as_str(),
            "upstream" => facts.service.name(),
            "route" => facts.route,
            "backend" => facts.backend.as_deref(),
            "status" => sent.status,
            "code" => facts.code,
            "attempts" => facts.attempts,
            "upstream_ms" => millis(facts.upstream),
            "duration_ms" => millis(sent.duration),
            "bytes" => sent.bytes,
            "request_id" => self.ctx.request_id(),
            "trace_id" => self.ctx.trace().id_text().as_str(),
            "peer" => self.peer.map(AddressText::of).as_ref().map(AddressText::as_str),
            "subject" => principal.map(|principal| principal.subject().as_str()),
        );
    }
}

/// To the microsecond: most answers come within one.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
