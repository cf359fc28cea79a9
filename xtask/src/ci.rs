//! `cargo xtask ci`: everything that must hold, cheapest first, and the README's own commands last.
//!
//! A step is a name and a function; its note stands in the table at the end.

mod live;

use crate::failure::{Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::{architecture, demo, docs, fuzz_api, lint, proto, test};
use live::Live;
use std::time::{Duration, Instant};

/// Everything continuous integration checks, in its order.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Go on after a failed step, to see all that is wrong
    #[arg(long)]
    keep_going: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut report = Report { keep_going: args.keep_going, rows: Vec::new() };
    let outcome = steps(&mut report);
    report.print();
    outcome?;
    let failed = report.rows.iter().filter(|row| row.failure.is_some()).count();
    if failed == 0 { Ok(()) } else { Err(Failure::new(format!("{failed} step(s) failed"))) }
}

fn steps(report: &mut Report) -> Outcome {
    report.step("format", || lint::format().map(nothing))?;
    report.step("clippy", || lint::clippy().map(nothing))?;
    report.step("architecture", || architecture::run(&architecture::Args {}).map(nothing))?;
    report.step("licences and sources", || lint::deny().map(nothing))?;
    report.step("docs", || docs::run(&docs::Args::default()).map(nothing))?;
    report.step("proto", || proto::run(&proto::Args::default()).map(nothing))?;
    report.step("test", || test::run(&test::Args::default()).map(|tally| tally.to_string()))?;
    let mut live = None;
    report.step("run-all: start", || Live::start().map(|started| live = Some(started)).map(nothing))?;
    let Some(live) = live else { return Ok(()) };
    report.step("demo", || demo::run(&demo::Args::default()).map(nothing))?;
    report.step("fuzz-api", || fuzz_api::run(&fuzz_api::Args::default()).map(nothing))?;
    report.step("run-all: still whole", || live.unharmed().map(nothing))?;
    report.step("run-all: stop", || live.stop().map(nothing))
}

const fn nothing((): ()) -> String {
    String::new()
}

struct Report {
    keep_going: bool,
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    took: Duration,
    note: String,
    failure: Option<String>,
}

impl Report {
    /// Fails only when the rest is not to be run.
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Outcome<String>) -> Outcome {
        say!();
        say!("{}", paint(Colour::Bold, &format!("== {name}")));
        let begun = Instant::now();
        let outcome = work();
        let (note, failure) = match &outcome {
            Ok(note) => (note.clone(), None),
            Err(failure) => (String::new(), Some(failure.to_string())),
        };
        if let Some(failure) = &failure {
            say!("{} {failure}", paint(Colour::Red, "✗"));
        }
        self.rows.push(Row { name, took: begun.elapsed(), note, failure });
        match outcome {
            Err(_) if !self.keep_going => Err(Failure::new(format!("step `{name}` failed"))),
            _ => Ok(()),
        }
    }

    fn print(&self) {
        say!();
        for row in &self.rows {
            let mark =
                if row.failure.is_none() { paint(Colour::Green, "✓") } else { paint(Colour::Red, "✗") };
            say!("{mark} {:<22} {:>8}  {}", row.name, duration(row.took), row.note);
        }
        say!("  {:<22} {:>8}", "all", duration(self.rows.iter().map(|row| row.took).sum()));
    }
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f32())
    } else {
        format!("{}:{:02} min", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_ends_the_run_unless_told_otherwise() {
        let broken = || Err(Failure::new("broken"));
        let mut strict = Report { keep_going: false, rows: Vec::new() };
        assert_eq!(strict.step("x", broken).unwrap_err().to_string(), "step `x` failed");
        let mut lenient = Report { keep_going: true, rows: Vec::new() };
        assert!(lenient.step("x", broken).is_ok());
        assert_eq!(lenient.rows[0].failure.as_deref(), Some("broken"));
    }

    #[test]
    fn durations_are_easy_to_compare() {
        assert_eq!(duration(Duration::from_millis(1540)), "1.5 s");
        assert_eq!(duration(Duration::from_secs(185)), "3:05 min");
    }
}
