//! One call's traces: metrics and a log line.

use std::{sync::Arc, time::Instant};

use kernel_application::CallContext;
use platform_telemetry::RpcMetrics;
use slog::Logger;
use tonic::Code;

use crate::status::code_name;

/// A call being served. Dropped before its end, as when its caller goes away, it counts as cancelled.
pub(super) struct Record {
    metrics: RpcMetrics,
    logger: Logger,
    method: Arc<str>,
    ctx: CallContext,
    start: Instant,
    ended: bool,
}

impl Record {
    pub(super) fn start(metrics: &RpcMetrics, logger: &Logger, method: Arc<str>, ctx: &CallContext) -> Self {
        metrics.started();
        let (metrics, logger, ctx) = (metrics.clone(), logger.clone(), ctx.clone());
        Self { metrics, logger, method, ctx, start: Instant::now(), ended: false }
    }

    /// The caller has become known.
    pub(super) fn called_by(&mut self, ctx: &CallContext) {
        self.ctx = ctx.clone();
    }

    pub(super) fn end(mut self, code: Code) {
        self.ended = true;
        self.write(code);
    }

    fn write(&self, code: Code) {
        let elapsed = self.start.elapsed();
        self.metrics.finished(&self.method, code_name(code), elapsed);
        let fields = slog::o!(
            "method" => self.method.to_string(),
            "code" => code_name(code),
            "duration_ms" => elapsed.as_millis(),
            "request_id" => self.ctx.request_id().to_owned(),
            "trace_id" => self.ctx.trace().trace_id(),
            "subject" => self.ctx.caller().principal().map(|known| known.subject().to_string()),
        );
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => slog::error!(self.logger, "gRPC call"; fields),
            Code::Unavailable | Code::DeadlineExceeded => slog::warn!(self.logger, "gRPC call"; fields),
            _ => slog::info!(self.logger, "gRPC call"; fields),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.ended {
            self.write(Code::Cancelled);
        }
    }
}
