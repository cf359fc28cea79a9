//! `cargo xtask bench stores`: every port on every home, beside what its server can do at most.
//!
//! Servers are private ones that keep what they acknowledge, as deployments do, and go after the run. `targets` builds the
//! benches; they run one after the other, because two would measure each other.

use super::machine::Machine;
use super::measurement::Measurement;
use super::targets::{self, Target};
use super::{aims, table, tools};
use crate::failure::{Context, Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::servers::{self, Instance, Kind, Missing, Order, Process, variables};
use crate::workspace;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Operations a second of each port on each home, beside the limit of the same server.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// A first impression within minutes: short rounds, 100,000 products instead of 1,000,000
    #[arg(long)]
    quick: bool,
    /// Only these, as in `product,events`; there are product, basket, payment, notification and events
    #[arg(long, value_delimiter = ',', value_name = "CONTEXTS")]
    only: Vec<String>,
    /// Workers per operation, and connections per server
    #[arg(long, default_value_t = 8, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=256))]
    clients: u32,
}

impl Args {
    /// What the benches are told.
    fn plan(&self) -> [(&'static str, u32); 5] {
        let (window, rounds, rows, events) =
            if self.quick { (1_000, 1, 100_000, 20_000) } else { (5_000, 3, 1_000_000, 100_000) };
        [
            ("BENCH_CLIENTS", self.clients),
            ("BENCH_WINDOW_MS", window),
            ("BENCH_ROUNDS", rounds),
            ("BENCH_ROWS", rows),
            ("BENCH_EVENTS", events),
        ]
    }
}

pub(super) fn run(args: &Args) -> Outcome {
    let targets = targets::chosen(&args.only)?;
    let folder = workspace::target().join("bench");
    let _turn = turn(&folder)?;
    let programs = targets::build(&targets)?;
    let machine = Machine::look();
    machine.warn();
    let servers = Servers::start(&targets)?;
    tools::provide(&targets);
    // On the disk that the servers write to: what lies in memory has nothing to wait for.
    let files = folder.join("files");
    drop(fs::remove_dir_all(&files));
    fs::create_dir_all(&files).context(|| format!("creating {}", files.display()))?;
    let (mut measured, mut failed) = (Vec::new(), Vec::new());
    for (target, program) in targets.iter().zip(&programs) {
        if let Some((kind, why)) = servers.missing_for(target) {
            say!("{} {} skipped: {kind} {why}", paint(Colour::Yellow, "–"), target.name());
            continue;
        }
        let mut command = Command::new(program);
        command.arg("--bench").envs(servers.variables.iter().cloned());
        command.envs(args.plan().map(|(name, value)| (name, value.to_string()))).env("TMPDIR", &files);
        if let Err(failure) = measure(target, &mut command, &mut measured) {
            failed.push(failure.to_string());
        }
    }
    drop(servers);
    report(&measured, &machine, args, &folder)?;
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(failed.join("\n"))) }
}

/// Two runs at once would measure each other.
fn turn(folder: &Path) -> Outcome<File> {
    fs::create_dir_all(folder).context(|| format!("creating {}", folder.display()))?;
    let file = File::create(folder.join("lock")).context(|| "creating the lock of the benches".to_owned())?;
    file.try_lock()
        .map_err(|_| Failure::new("another bench runs; wait for it, or it would be measured, too"))?;
    Ok(file)
}

/// Runs one target to its end, and shows each measurement as it comes.
fn measure(target: &Target, command: &mut Command, measured: &mut Vec<Measurement>) -> Outcome {
    say!("{}", paint(Colour::Bold, &target.name()));
    let doing = || format!("running {}", target.name());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context(doing)?;
    let output = child.stdout.take().ok_or_else(|| Failure::new("a bench has no output"))?;
    for line in BufReader::new(output).lines() {
        let line = line.context(doing)?;
        if let Some(one) = Measurement::read(&line) {
            say!("  {}", summary(&one));
            measured.push(one);
        } else {
            say!("  {line}");
        }
    }
    let status = child.wait().context(doing)?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{} failed ({status})", target.name()))) }
}

fn summary(one: &Measurement) -> String {
    let limit = match (one.ratio(), &one.raw_missing) {
        (Some(ratio), _) => format!(", {ratio:.2} of the limit"),
        (None, Some(why)) => format!(", limit unknown, needs {why}"),
        (None, None) => String::new(),
    };
    let errors = one.error.as_ref().map(|error| format!(", {} errors: {error}", one.errors));
    let (name, rate) = (one.name(), one.ops_per_s);
    format!("{}.{name} on {}: {rate:.0}/s{limit}{}", one.port, one.home, errors.unwrap_or_default())
}

/// Private servers, and what cannot be had.
struct Servers {
    instance: Instance,
    missing: Vec<Missing>,
    variables: variables::Variables,
}

impl Servers {
    fn start(targets: &[&Target]) -> Outcome<Self> {
        servers::sweep();
        let kinds: BTreeSet<Kind> = targets.iter().flat_map(|target| target.servers).copied().collect();
        let instance = Instance::named("bench-stores");
        // What a run left that was killed: its data were for measuring only.
        instance.remove()?;
        let mut servers = Self { instance, missing: Vec::new(), variables: Vec::new() };
        if kinds.is_empty() {
            return Ok(servers);
        }
        let owner = Some(Process::this()?);
        let has_events = kinds.contains(&Kind::Kafka);
        let order =
            Order { kinds: kinds.into_iter().collect(), brokers: 1, durable: true, owner, env_file: None };
        servers.missing = servers::up(&servers.instance, &order)?;
        if has_events && !servers.lacks(Kind::Kafka) {
            servers::provide_topics(&servers.instance, "")?;
        }
        servers.variables = variables::of(&servers.instance);
        Ok(servers)
    }

    fn lacks(&self, kind: Kind) -> bool {
        self.missing.iter().any(|(missing, _)| *missing == kind)
    }

    fn missing_for(&self, target: &Target) -> Option<&Missing> {
        self.missing.iter().find(|(kind, _)| target.servers.contains(kind))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if let Err(failure) = self.instance.remove() {
            say!("{failure}");
        }
    }
}

/// The table, and both files.
fn report(measured: &[Measurement], machine: &Machine, args: &Args, folder: &Path) -> Outcome {
    say!();
    say!("{}", machine.line());
    say!("{}", table::text(measured).trim_end());
    let verdicts: Vec<_> = measured.iter().filter_map(|one| aims::verdict(one, measured)).collect();
    let met = verdicts.iter().filter(|verdict| verdict.met).count();
    say!("{met} of {} aims met", verdicts.len());
    let plan: BTreeMap<_, _> = args.plan().into_iter().collect();
    let all = json!({ "machine": machine, "plan": plan, "measurements": measured });
    let text = serde_json::to_string_pretty(&all).context(|| "describing the measurements".to_owned())?;
    write(&folder.join("stores.json"), &(text + "\n"))?;
    let kind = if args.quick { "quick" } else { "full" };
    let head = format!("{}; {} clients, {kind} run\n\n", machine.line(), args.clients);
    write(&folder.join("stores.md"), &(head + &table::markdown(measured)))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).context(|| format!("writing {}", path.display()))?;
    say!("written: {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::measurement::{Class, measured};
    use super::*;

    #[test]
    fn lines_of_a_bench_are_measurements_and_the_rest_is_shown() {
        let target = targets::chosen(&["basket".to_owned()]).unwrap()[0];
        let line = serde_json::to_string(&measured(Class::PointRead, 70.0, Some(100.0))).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo hello; echo \"$LINE\"; exit 3"]).env("LINE", line);
        let mut found = Vec::new();
        let failure = measure(target, &mut shell, &mut found).unwrap_err().to_string();
        assert!(failure.contains("basket-redis ports failed (exit status: 3)"), "{failure}");
        assert_eq!(found.len(), 1);
        assert_eq!(summary(&found[0]), "ProductQueries.list by id on postgres: 70/s, 0.70 of the limit");
    }

    #[test]
    fn a_run_says_its_errors_and_what_is_missing() {
        let mut one = measured(Class::Command, 70.0, None);
        one.raw_missing = Some("sysbench: apt-get install sysbench".to_owned());
        (one.errors, one.error) = (2, Some("conflict".to_owned()));
        let said = summary(&one);
        assert!(said.ends_with("needs sysbench: apt-get install sysbench, 2 errors: conflict"), "{said}");
    }

    #[test]
    fn two_runs_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let first = turn(folder.path()).unwrap();
        assert!(turn(folder.path()).unwrap_err().to_string().contains("another bench runs"));
        drop(first);
        assert!(turn(folder.path()).is_ok());
    }
}
