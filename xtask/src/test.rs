//! `cargo xtask test`: all tests, the fast ones, or those of one context.

use crate::build::{self, SELECTION};
use crate::catalogue;
use crate::failure::{Context, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::paint::{Colour, paint, say};
use crate::{shell, workspace};
use std::fmt;
use std::io::{BufRead, BufReader};
use std::ops::AddAssign;
use std::process::{Command, Stdio};

/// Run the tests: all, the fast ones, or those of one context.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Args {
    /// Leave out tests that start processes
    #[arg(long)]
    fast: bool,
    /// Only one context, as in `product`; `kernel`, `platform`, `proto`, `system` and `xtask` work too
    #[arg(long, value_name = "CONTEXT")]
    only: Option<String>,
    /// Passed on to the tests, as in `-- money`
    #[arg(last = true, value_name = "ARGUMENTS")]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Outcome<Tally> {
    let members = members()?;
    let plan = plan(args, &members)?;
    if plan.services {
        build::services(&catalogue::addresses(&[]), false, &Interrupt::default())?;
    }
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    for selection in &plan.selections {
        let mut command = shell::cargo(["test", "--no-fail-fast"]);
        command.args(selection);
        if !args.rest.is_empty() {
            command.arg("--").args(&args.rest);
        }
        failures.extend(tests(&mut command, &mut tally)?);
    }
    say!("{} {tally}", paint(if failures.is_empty() { Colour::Green } else { Colour::Red }, "tests:"));
    if failures.is_empty() { Ok(tally) } else { Err(Failure::new(failures.join("; "))) }
}

/// What the test runs said in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Tally {
    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn read(line: &str) -> Option<Self> {
        let text = line.strip_prefix("test result: ")?;
        let words: Vec<&str> = text.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
        let before = |name: &str| {
            let place = words.iter().position(|word| *word == name)?;
            words.get(place.checked_sub(1)?)?.parse().ok()
        };
        Some(Self { passed: before("passed")?, failed: before("failed")?, ignored: before("ignored")? })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} ignored", self.passed, self.failed, self.ignored)
    }
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

/// Crates, by name and path.
struct Member {
    name: String,
    path: String,
}

impl Member {
    /// `product` for `domain/product` and `adapters/product/http`.
    fn group(&self) -> &str {
        let mut parts = self.path.split('/');
        let first = parts.next().unwrap_or_default();
        parts.next().unwrap_or(first)
    }

    fn starts_processes(&self) -> bool {
        self.path.starts_with("bootstrap/")
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// The tests meet the services as processes, so these are built first.
    services: bool,
    /// The arguments of one `cargo test` each.
    selections: Vec<Vec<String>>,
}

fn plan(args: &Args, members: &[Member]) -> Outcome<Plan> {
    let chosen: Vec<&Member> = match &args.only {
        Some(group) => members.iter().filter(|member| member.group() == group).collect(),
        None => members.iter().filter(|member| member.path != "xtask").collect(),
    };
    if chosen.is_empty() {
        return Err(unknown(args.only.as_deref().unwrap_or_default(), members));
    }
    let mut selections = if args.fast {
        fast(&chosen)
    } else if args.only.is_none() {
        vec![SELECTION.map(str::to_owned).to_vec()]
    } else {
        vec![packages(&chosen)]
    };
    if args.only.is_none() {
        selections.push(vec!["-p".to_owned(), "xtask".to_owned()]);
    }
    let services = !args.fast && chosen.iter().any(|member| member.path == "bootstrap/system");
    Ok(Plan { services, selections })
}

/// Of the binaries only what is inside them: their `tests/` start processes.
fn fast(chosen: &[&Member]) -> Vec<Vec<String>> {
    let (binaries, libraries): (Vec<&Member>, Vec<&Member>) =
        chosen.iter().partition(|member| member.starts_processes());
    let binaries: Vec<&Member> = binaries.into_iter().filter(|member| member.group() != "system").collect();
    let mut selections = Vec::new();
    if !libraries.is_empty() {
        selections.push(packages(&libraries));
    }
    if !binaries.is_empty() {
        selections.push([packages(&binaries), vec!["--lib".to_owned(), "--bins".to_owned()]].concat());
    }
    selections
}

fn packages(members: &[&Member]) -> Vec<String> {
    members.iter().flat_map(|member| ["-p".to_owned(), member.name.clone()]).collect()
}

fn unknown(group: &str, members: &[Member]) -> Failure {
    let mut groups: Vec<&str> = members.iter().map(Member::group).collect();
    groups.sort_unstable();
    groups.dedup();
    Failure::new(format!("nothing is called `{group}`; there are {}", groups.join(", ")))
}

fn members() -> Outcome<Vec<Member>> {
    let metadata = workspace::members()?;
    let member = |package: &cargo_metadata::Package| {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok());
        Member { name: package.name.to_string(), path: folder.map(ToString::to_string).unwrap_or_default() }
    };
    Ok(metadata.packages.iter().map(member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_members() -> Vec<Member> {
        let paths = [
            ("product-domain", "domain/product"),
            ("product-http", "adapters/product/http"),
            ("product-service", "bootstrap/product"),
            ("basket-domain", "domain/basket"),
            ("system-tests", "bootstrap/system"),
            ("proto", "proto"),
            ("xtask", "xtask"),
        ];
        paths.map(|(name, path)| Member { name: name.to_owned(), path: path.to_owned() }).into()
    }

    fn planned(fast: bool, only: Option<&str>) -> Outcome<(bool, Vec<String>)> {
        let args = Args { fast, only: only.map(str::to_owned), rest: Vec::new() };
        let plan = plan(&args, &some_members())?;
        Ok((plan.services, plan.selections.iter().map(|selection| selection.join(" ")).collect()))
    }

    #[test]
    fn everything_is_one_build_and_this_crate() {
        let (services, selections) = planned(false, None).unwrap();
        assert!(services);
        assert_eq!(selections, ["--workspace --exclude xtask", "-p xtask"]);
    }

    #[test]
    fn fast_leaves_processes_out() {
        let (services, selections) = planned(true, None).unwrap();
        assert!(!services);
        let libraries = "-p product-domain -p product-http -p basket-domain -p proto";
        assert_eq!(selections, [libraries, "-p product-service --lib --bins", "-p xtask"]);
    }

    #[test]
    fn one_context_is_its_crates() {
        let (services, selections) = planned(false, Some("product")).unwrap();
        assert!(!services);
        assert_eq!(selections, ["-p product-domain -p product-http -p product-service"]);
        assert_eq!(planned(false, Some("system")).unwrap(), (true, vec!["-p system-tests".to_owned()]));
        assert_eq!(planned(false, Some("xtask")).unwrap().1, ["-p xtask"]);
    }

    #[test]
    fn an_unknown_context_names_the_known_ones() {
        let failure = planned(false, Some("shipping")).unwrap_err().to_string();
        assert_eq!(failure, "nothing is called `shipping`; there are basket, product, proto, system, xtask");
    }

    #[test]
    fn results_are_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.02s";
        assert_eq!(Tally::read(line), Some(Tally { passed: 12, failed: 3, ignored: 1 }));
        assert_eq!(Tally::read("test money ... ok"), None);
    }
}
