//! `cargo xtask test`: all tests, the fast ones, or those of one context, with the servers they need.
//!
//! `members` knows which crates need which servers, `plan` what `cargo test` is called with, `servers` starts private
//! servers for the run, `supply` is what they say to each other. What cannot be had is skipped by name, and under
//! `CI=true` that is a failure.

mod members;
mod plan;
mod servers;
mod supply;
mod tally;

use crate::failure::{Context, Failure, Outcome, Verdict};
use crate::interrupt::Interrupt;
use crate::paint::{Colour, paint, say};
use crate::servers::Missing;
use crate::{build, catalogue, shell};
use plan::Wish;
use servers::Servers;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use tally::Tally;

/// Run the tests: all, the fast ones, or those of one context.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Args {
    /// Leave out tests that start processes or need servers
    #[arg(long)]
    fast: bool,
    /// Only one context, as in `product`; `kernel`, `platform`, `proto`, `system` and `xtask` work too
    #[arg(long, value_name = "CONTEXT")]
    only: Option<String>,
    /// Fail where a suite is skipped because its server cannot be had; `CI=true` asks for the same
    #[arg(long)]
    require_servers: bool,
    /// Passed on to the tests, as in `-- money`
    #[arg(last = true, value_name = "ARGUMENTS")]
    rest: Vec<String>,
}

/// Partial where suites were skipped.
pub(crate) fn run(args: &Args) -> Outcome<Verdict> {
    let members = members::members()?;
    let wish = Wish { fast: args.fast, only: args.only.as_deref() };
    let chosen = plan::chosen(&wish, &members)?;
    if plan::services(&wish, &chosen) {
        build::services(&catalogue::addresses(&[]), false, &Interrupt::default())?;
    }
    let servers = Servers::start(&plan::needs(&wish, &chosen))?;
    let skipped = plan::skipped(&chosen, &servers.supply);
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    let usual = plan::selections(&wish, &chosen, &servers.supply);
    let usual = usual.iter().map(|selection| (selection, &servers.variables));
    let apart = plan::apart(&chosen, &servers.supply);
    for (selection, variables) in usual.chain(apart.iter().map(|selection| (selection, &servers.own))) {
        let mut command = shell::cargo(["test", "--no-fail-fast"]);
        command.args(selection).envs(variables.iter().cloned());
        if !args.rest.is_empty() {
            command.arg("--").args(&args.rest);
        }
        failures.extend(tests(&mut command, &mut tally)?);
    }
    say!("{} {tally}", paint(if failures.is_empty() { Colour::Green } else { Colour::Red }, "tests:"));
    if args.fast {
        say!(
            "left out: crates of real servers, and tests that start processes; `cargo xtask test` runs them, too"
        );
    }
    report(&skipped, &servers.reasons);
    if !skipped.is_empty() && (args.require_servers || is_ci(std::env::var("CI").ok().as_deref())) {
        failures.push(format!("{} suite(s) skipped for want of a server", skipped.len()));
    }
    match (failures.is_empty(), skipped.len()) {
        (true, 0) => Ok(Verdict::Held(tally.to_string())),
        (true, count) => {
            Ok(Verdict::Partial(format!("{tally}; {count} suite(s) skipped for want of a server")))
        }
        (false, _) => Err(Failure::new(failures.join("; "))),
    }
}

/// Names each suite that did not run, and what would make it run.
fn report(skipped: &[(String, Vec<crate::servers::Kind>)], missing: &[Missing]) {
    for (suite, lacks) in skipped {
        let names = lacks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        say!("{} {suite}: no {names}", paint(Colour::Yellow, "skipped:"));
    }
    for (kind, why) in missing.iter().filter(|_| !skipped.is_empty()) {
        say!("  {kind} {why}");
    }
}

fn is_ci(variable: Option<&str>) -> bool {
    variable.is_some_and(|value| !matches!(value, "" | "0" | "false"))
}

/// Shows what the tests print and counts; a failure is handed back, so that the next selection still runs.
fn tests(command: &mut Command, tally: &mut Tally) -> Outcome<Option<String>> {
    let line = shell::line(command);
    say!("{}", paint(Colour::Dim, &format!("$ {line}")));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context(|| format!("starting `{line}`"))?;
    for text in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        let text = text.context(|| format!("reading from `{line}`"))?;
        say!("{text}");
        *tally += Tally::read(&text).unwrap_or_default();
    }
    let status = child.wait().context(|| line.clone())?;
    Ok((!status.success()).then(|| format!("`{line}` failed ({status})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuous_integration_says_so_in_the_usual_way() {
        assert!(is_ci(Some("true")) && is_ci(Some("1")));
        assert!(!is_ci(None) && !is_ci(Some("")) && !is_ci(Some("false")) && !is_ci(Some("0")));
    }
}
