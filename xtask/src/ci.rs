//! `cargo xtask ci`: everything that must hold, cheapest first, and the README's own commands last.
//!
//! A step is a name and a function; what it found stands in the table at the end, with a tick only where all of it
//! was checked.

mod consumed;
mod live;

use crate::failure::{Failure, Outcome, Verdict};
use crate::paint::{Colour, paint, say};
use crate::{architecture, demo, docs, fuzz_api, h2spec, lint, proto, test};
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
    let failed = report.rows.iter().filter(|row| row.result.is_err()).count();
    if failed == 0 { Ok(()) } else { Err(Failure::new(format!("{failed} step(s) failed"))) }
}

fn steps(report: &mut Report) -> Outcome {
    report.step("format", || lint::format().map(nothing))?;
    report.step("clippy", || lint::clippy().map(nothing))?;
    report.step("architecture", || architecture::run(&architecture::Args {}).map(nothing))?;
    report.step("licences and sources", || lint::deny().map(Verdict::Held))?;
    report.step("docs", || docs::run(&docs::Args::default()).map(nothing))?;
    report.step("proto", || proto::run(&proto::Args::default()))?;
    report.step("test", || test::run(&test::Args::default()))?;
    EMBEDDED.steps(report)?;
    ON_SERVERS.steps(report)
}

/// A run as the README has it, on one of the homes.
struct Shop {
    servers: bool,
    start: &'static str,
    demo: &'static str,
    dead_letters: &'static str,
    fuzz: Option<&'static str>,
    h2spec: Option<&'static str>,
    unharmed: &'static str,
    stop: &'static str,
}

const EMBEDDED: Shop = Shop {
    servers: false,
    start: "run-all: start",
    demo: "demo",
    dead_letters: "demo: no dead letters",
    fuzz: Some("fuzz-api"),
    h2spec: Some("h2spec"),
    unharmed: "run-all: still whole",
    stop: "run-all: stop",
};

const ON_SERVERS: Shop = Shop {
    servers: true,
    start: "run-all --servers: start",
    demo: "demo on servers",
    dead_letters: "demo: no dead letters (servers)",
    // The answers do not depend on the home; what stores refuse is in the contract suites.
    fuzz: None,
    h2spec: None,
    unharmed: "run-all --servers: still whole",
    stop: "run-all --servers: stop",
};

impl Shop {
    fn steps(&self, report: &mut Report) -> Outcome {
        let mut live = None;
        report.step(self.start, || {
            Live::start(self.servers).map(|started| live = Some(started)).map(nothing)
        })?;
        let Some(live) = live else { return Ok(()) };
        let args = demo::Args { data_dir: Some(live.data()), ..demo::Args::default() };
        report.step(self.demo, || demo::run(&args).map(nothing))?;
        report.step(self.dead_letters, || consumed::no_dead_letters().map(Verdict::Held))?;
        if let Some(fuzz) = self.fuzz {
            let args = fuzz_api::Args::of(live.data());
            report.step(fuzz, || fuzz_api::run(&args).map(nothing))?;
        }
        if let Some(h2spec) = self.h2spec {
            report.step(h2spec, h2spec::of_run_all)?;
        }
        report.step(self.unharmed, || live.unharmed().map(nothing))?;
        report.step(self.stop, || live.stop().map(nothing))
    }
}

const fn nothing((): ()) -> Verdict {
    Verdict::Held(String::new())
}

struct Report {
    keep_going: bool,
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    took: Duration,
    result: Result<Verdict, String>,
}

impl Row {
    /// Only a step that checked all it promises has a tick.
    fn shown(&self) -> (Colour, &'static str, &str) {
        match &self.result {
            Ok(Verdict::Held(note)) => (Colour::Green, "✓", note),
            Ok(Verdict::Partial(note)) => (Colour::Yellow, "–", note),
            Err(_) => (Colour::Red, "✗", ""),
        }
    }
}

impl Report {
    /// Fails only when the rest is not to be run.
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Outcome<Verdict>) -> Outcome {
        say!();
        say!("{}", paint(Colour::Bold, &format!("== {name}")));
        let begun = Instant::now();
        let outcome = work();
        let result = outcome.map_err(|failure| failure.to_string());
        if let Err(failure) = &result {
            say!("{} {failure}", paint(Colour::Red, "✗"));
        }
        let stop = result.is_err() && !self.keep_going;
        self.rows.push(Row { name, took: begun.elapsed(), result });
        if stop { Err(Failure::new(format!("step `{name}` failed"))) } else { Ok(()) }
    }

    fn print(&self) {
        say!();
        for row in &self.rows {
            let (colour, mark, note) = row.shown();
            say!("{} {:<31} {:>8}  {note}", paint(colour, mark), row.name, duration(row.took));
        }
        say!("  {:<31} {:>8}", "all", duration(self.rows.iter().map(|row| row.took).sum()));
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
        assert_eq!(lenient.rows[0].result, Err("broken".to_owned()));
    }

    #[test]
    fn only_a_whole_check_has_a_tick() {
        let mut report = Report { keep_going: true, rows: Vec::new() };
        report.step("whole", || Ok(Verdict::Held("12 passed".to_owned()))).unwrap();
        report.step("part", || Ok(Verdict::Partial("not compared".to_owned()))).unwrap();
        report.step("broken", || Err(Failure::new("broken"))).unwrap();
        let shown: Vec<_> = report.rows.iter().map(Row::shown).map(|(_, mark, note)| (mark, note)).collect();
        assert_eq!(shown, [("✓", "12 passed"), ("–", "not compared"), ("✗", "")]);
    }

    #[test]
    fn durations_are_easy_to_compare() {
        assert_eq!(duration(Duration::from_millis(1540)), "1.5 s");
        assert_eq!(duration(Duration::from_secs(185)), "3:05 min");
    }
}
