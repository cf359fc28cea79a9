//! Counts use cases and logs their failures: the one place where a failed use case is logged.

use kernel_application::{CallContext, ErrorClass, Observation, UseCaseError, UseCaseObserver};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use slog::{Drain, Level, Logger, debug, error, warn};

use crate::{
    Metrics, chain,
    metrics::{Histogram, Recorded, Series},
};

/// Implements the kernel's observer.
pub struct UseCaseMetrics {
    logger: Logger,
    total: Family<UseCase, Counter>,
    seconds: Family<UseCase, Histogram>,
    recorded: Recorded<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UseCase {
    use_case: &'static str,
    outcome: &'static str,
}

impl UseCaseMetrics {
    /// Registers `use_cases_total` and `use_case_duration_seconds`; failures go to `logger`.
    pub fn new(metrics: &Metrics, logger: Logger) -> Self {
        let (total, seconds) = (Family::default(), Family::default());
        metrics.register("use_cases", "Use cases handled, by outcome", Family::clone(&total));
        metrics.register("use_case_duration_seconds", "How long use cases took", Family::clone(&seconds));
        Self { logger, total, seconds, recorded: Recorded::default() }
    }

    fn log(&self, ctx: &CallContext, observation: &Observation<'_>, failure: &dyn UseCaseError) {
        let level = match failure.class() {
            ErrorClass::Internal => Level::Error,
            ErrorClass::Unavailable | ErrorClass::Timeout => Level::Warning,
            // A refusal is an answer like any other: the access log has it, and this line is for looking closer.
            _ => Level::Debug,
        };
        // The values cost more than the question.
        if !self.logger.is_enabled(level) {
            return;
        }
        let fields = slog::o!(
            "use_case" => observation.use_case,
            "outcome" => observation.outcome(),
            "code" => failure.code(),
            "error" => chain(failure),
            "request_id" => ctx.request_id().to_owned(),
            "trace_id" => ctx.trace().trace_id(),
            "duration_ms" => millis(observation.elapsed),
        );
        match level {
            Level::Error => error!(self.logger, "use case failed"; fields),
            Level::Warning => warn!(self.logger, "use case failed"; fields),
            _ => debug!(self.logger, "use case refused"; fields),
        }
    }

    fn series(&self, use_case: &'static str, outcome: &'static str) -> Series {
        let labels = UseCase { use_case, outcome };
        Series {
            total: self.total.get_or_create_owned(&labels),
            seconds: self.seconds.get_or_create_owned(&labels),
        }
    }
}

impl UseCaseObserver for UseCaseMetrics {
    fn observe(&self, ctx: &CallContext, observation: &Observation<'_>) {
        let (use_case, outcome) = (observation.use_case, observation.outcome());
        self.recorded.record(use_case, outcome, observation.elapsed, || self.series(use_case, outcome));
        if let Some(failure) = observation.error {
            self.log(ctx, observation, failure);
        }
    }
}

fn millis(elapsed: std::time::Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kernel_application::{StoreError, testing::context};

    use super::*;
    use crate::silent;

    #[test]
    fn outcomes_are_counted_apart() {
        let metrics = Metrics::new();
        let observer = UseCaseMetrics::new(&metrics, silent());
        let conflict = StoreError::Conflict("product");
        for error in [None, None, Some(&conflict as &dyn UseCaseError)] {
            let elapsed = Duration::from_millis(3);
            observer.observe(&context(), &Observation { use_case: "create_product", error, elapsed });
        }
        let text = metrics.encode();
        for line in [
            r#"use_cases_total{use_case="create_product",outcome="ok"} 2"#,
            r#"use_cases_total{use_case="create_product",outcome="conflict"} 1"#,
            r#"use_case_duration_seconds_count{use_case="create_product",outcome="ok"} 2"#,
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
