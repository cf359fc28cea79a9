//! A measurement as a line of JSON.

use std::{io::Write as _, time::Duration};

use serde_json::{Value, json};

use super::{
    BoxError, Limit, Subject,
    window::{Sample, micros},
};

/// The rounds of one operation, and of the limit beside it.
pub(super) struct Report {
    subject: Subject,
    home: &'static str,
    clients: usize,
    ops: u64,
    rates: Vec<f64>,
    raw_rates: Vec<f64>,
    raw_missing: Option<String>,
    all: Sample,
}

impl Report {
    pub(super) fn new(subject: Subject, home: &'static str, clients: usize) -> Self {
        let (rates, raw_rates) = (Vec::new(), Vec::new());
        Self { subject, home, clients, ops: 0, rates, raw_rates, raw_missing: None, all: Sample::default() }
    }

    pub(super) fn add(&mut self, sample: Sample) {
        self.count(sample.latencies.len() as u64, sample.elapsed);
        self.all.add(sample);
    }

    /// A round of one call that dealt with many events.
    pub(super) fn add_events(&mut self, events: u64, took: Duration) {
        self.count(events, took);
        self.all.latencies.push(micros(took));
    }

    fn count(&mut self, done: u64, took: Duration) {
        self.ops += done;
        #[expect(clippy::cast_precision_loss, reason = "no bench counts to 2^52")]
        self.rates.push(done as f64 / took.as_secs_f64());
    }

    pub(super) fn add_raw(&mut self, limit: Limit) {
        match limit {
            Limit::PerSecond(rate) => self.raw_rates.push(rate),
            Limit::Missing(why) => self.raw_missing = Some(why),
        }
    }

    /// An operation that never succeeded has no figures: that is an error.
    pub(super) fn print(mut self) -> Result<(), BoxError> {
        let line = self.line()?.to_string();
        let mut out = std::io::stdout().lock();
        Ok(writeln!(out, "{line}").and_then(|()| out.flush())?)
    }

    fn line(&mut self) -> Result<Value, BoxError> {
        let Subject { port, operation, class, .. } = &self.subject;
        self.all.latencies.sort_unstable();
        let (Some(p50), Some(p99)) = (self.percentile(50), self.percentile(99)) else {
            let why = self.all.error.as_deref().unwrap_or("it takes longer than a round");
            return Err(format!("{port}.{operation} never succeeded: {why}").into());
        };
        Ok(json!({
            "port": port,
            "operation": operation,
            "class": class.as_str(),
            "home": self.home,
            "concurrency": self.clients,
            "ops": self.ops,
            "ops_per_s": median(&mut self.rates),
            "p50_us": p50,
            "p99_us": p99,
            "errors": self.all.errors,
            "error": self.all.error,
            "raw_ops_per_s": median(&mut self.raw_rates),
            "raw_missing": self.raw_missing,
        }))
    }

    /// Of sorted latencies.
    fn percentile(&self, percent: usize) -> Option<u32> {
        let sorted = &self.all.latencies;
        sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
    }
}

/// The middle one says more than the mean where a neighbour took the machine for one of the rounds.
fn median(rates: &mut [f64]) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::Class;

    #[test]
    fn a_line_has_the_middle_round_and_all_latencies() {
        let subject = Subject::new(Class::Command, "Port", "save");
        let mut report = Report::new(subject, "here", 4);
        for (calls, micros) in [(10, 1), (30, 2), (60, 3)] {
            let latencies = vec![micros; calls];
            report.add(Sample { elapsed: Duration::from_secs(1), latencies, ..Sample::default() });
        }
        report.add_raw(Limit::PerSecond(500.0));
        report.add_raw(Limit::Missing("no tool".to_owned()));
        let line = report.line().unwrap();
        assert_eq!((&line["ops"], &line["ops_per_s"]), (&json!(100), &json!(30.0)));
        assert_eq!((&line["p50_us"], &line["p99_us"]), (&json!(3), &json!(3)));
        assert_eq!((&line["raw_ops_per_s"], &line["raw_missing"]), (&json!(500.0), &json!("no tool")));
    }

    #[test]
    fn events_count_and_not_calls() {
        let mut report = Report::new(Subject::new(Class::Relay, "Relay", "run"), "here", 1);
        report.add_events(1_000, Duration::from_millis(500));
        let line = report.line().unwrap();
        assert_eq!((&line["ops"], &line["ops_per_s"]), (&json!(1_000), &json!(2_000.0)));
        assert_eq!((&line["p99_us"], &line["raw_ops_per_s"]), (&json!(500_000), &Value::Null));
    }

    #[test]
    fn what_never_succeeds_is_an_error_that_says_why() {
        let mut report = Report::new(Subject::new(Class::Command, "Port", "save"), "here", 1);
        let error = Some("no table".to_owned());
        report.add(Sample { elapsed: Duration::from_secs(1), errors: 1, error, ..Sample::default() });
        let error = report.print().unwrap_err().to_string();
        assert_eq!(error, "Port.save never succeeded: no table");
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let mut report = Report::new(Subject::new(Class::Command, "Port", "save"), "here", 1);
        report.add(Sample {
            elapsed: Duration::from_secs(1),
            latencies: (1..=200).rev().collect(),
            ..Sample::default()
        });
        let line = report.line().unwrap();
        assert_eq!((&line["p50_us"], &line["p99_us"]), (&json!(100), &json!(198)));
    }
}
