//! `cargo xtask bench memory`: what each service holds in memory while the shop is busy, on servers.

use super::drive::{self, Drive};
use super::machine::{Machine, field, kilobytes};
use crate::catalogue::{self, SERVICES};
use crate::failure::{Context, Failure, Outcome};
use crate::identity::Development;
use crate::paint::{Colour, paint, say};
use crate::run_all::session;
use crate::{shell, workspace};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What each service may hold.
const LIMIT_KIB: u64 = 64 * 1024;
/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// Memory of each service on servers while it answers 1,000 requests a second.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Requests a second, through the gateway
    #[arg(long, default_value_t = 1_000, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// How long
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
}

pub(super) fn run(args: &Args) -> Outcome {
    let machine = Machine::look();
    let services = Services::start(&workspace::target().join("bench/memory"))?;
    let processes = services.processes()?;
    let issuer = Development::existing(&services.folder)?;
    let gateway = catalogue::addresses(&[])
        .iter()
        .find(|address| address.service.name == "gateway")
        .map(catalogue::Address::url);
    let gateway = gateway.ok_or_else(|| Failure::new("there is no gateway"))?;
    let before = sizes(&processes);
    say!("{} requests a second for {} s …", args.rate, args.seconds);
    let done = AtomicBool::new(false);
    let (drive, most) = thread::scope(|scope| {
        let watch = scope.spawn(|| watch(&processes, &done));
        let drive = drive::drive(&gateway, &issuer, args.rate, Duration::from_secs(args.seconds));
        done.store(true, Ordering::Relaxed);
        (drive, watch.join().unwrap_or_default())
    });
    drop(services);
    let drive = drive?;
    report(&machine, &drive, &before, &most)?;
    verdict(args.rate, &drive, &most)
}

/// A run of all services in the background, stopped when dropped.
struct Services {
    folder: PathBuf,
}

impl Services {
    fn start(folder: &Path) -> Outcome<Self> {
        let services = Self { folder: folder.to_path_buf() };
        services.call(&["services-start", "--release", "--servers", "--reset"])?;
        Ok(services)
    }

    /// The process of each service.
    fn processes(&self) -> Outcome<BTreeMap<&'static str, u32>> {
        let parent = session::running(&self.folder).ok_or_else(|| Failure::new("the services do not run"))?;
        let all = fs::read_dir("/proc").context(|| "listing processes, which takes Linux".to_owned())?;
        let ids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let found: BTreeMap<_, _> = ids.filter_map(|id| Some((service(id, parent)?, id))).collect();
        let missing = SERVICES.iter().find(|service| !found.contains_key(service.name));
        missing.map_or(Ok(found), |service| Err(Failure::new(format!("{} does not run", service.name))))
    }

    fn call(&self, arguments: &[&str]) -> Outcome {
        let this = std::env::current_exe().context(|| "finding this program".to_owned())?;
        shell::run(Command::new(this).args(arguments).arg("--data-dir").arg(&self.folder))
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Err(failure) = self.call(&["services-stop"]) {
            say!("{failure}");
        }
    }
}

/// Which service the process is, where it is a child of that run.
fn service(id: u32, parent: u32) -> Option<&'static str> {
    let status = status(id)?;
    let program = fs::read_link(format!("/proc/{id}/exe")).ok()?;
    let name = program.file_name()?.to_str()?;
    let found = SERVICES.iter().find(|service| service.binary == name)?;
    (field(&status, "PPid") == Some(&parent.to_string())).then_some(found.name)
}

fn status(id: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{id}/status")).ok()
}

type Sizes = BTreeMap<&'static str, u64>;

/// What each holds now, in KiB.
fn sizes(processes: &BTreeMap<&'static str, u32>) -> Sizes {
    let size = |id| status(id).and_then(|status| field(&status, "VmRSS").map(kilobytes)).unwrap_or_default();
    processes.iter().map(|(name, id)| (*name, size(*id))).collect()
}

/// The most that each held until `done`.
fn watch(processes: &BTreeMap<&'static str, u32>, done: &AtomicBool) -> Sizes {
    let mut most = Sizes::new();
    while !done.load(Ordering::Relaxed) {
        for (name, size) in sizes(processes) {
            let known = most.entry(name).or_default();
            *known = size.max(*known);
        }
        thread::sleep(INTERVAL);
    }
    most
}

fn report(machine: &Machine, drive: &Drive, before: &Sizes, most: &Sizes) -> Outcome {
    say!("{}", machine.line());
    say!(
        "{} requests, {:.0} a second, p99 {} ms, {} failed{}",
        drive.sent,
        drive.per_second,
        drive.p99.as_millis(),
        drive.failed,
        drive.failure.as_ref().map(|failure| format!(": {failure}")).unwrap_or_default()
    );
    for (name, most) in most {
        let (mark, colour) = if *most < LIMIT_KIB { ('✓', Colour::Green) } else { ('✗', Colour::Red) };
        let idle = before.get(name).copied().unwrap_or_default();
        say!(
            "  {} {name:<14}{:>6} at rest {:>6} busy",
            paint(colour, &mark.to_string()),
            mib(idle),
            mib(*most)
        );
    }
    let figures = json!({
        "machine": machine, "requests": drive.sent, "per_second": drive.per_second, "failed": drive.failed,
        "p99_ms": u64::try_from(drive.p99.as_millis()).unwrap_or(u64::MAX), "idle_kib": before, "busy_kib": most,
    });
    let path = workspace::target().join("bench/memory.json");
    let text = serde_json::to_string_pretty(&figures).context(|| "describing the figures".to_owned())?;
    fs::write(&path, text + "\n").context(|| format!("writing {}", path.display()))?;
    say!("written: {}", path.display());
    Ok(())
}

/// Figures of a shop that did not do what was asked are worth nothing, however good they look.
fn verdict(rate: u32, drive: &Drive, most: &Sizes) -> Outcome {
    if drive.failed * 100 > drive.sent {
        return Err(Failure::new("more than one request in a hundred failed"));
    }
    if drive.per_second < 0.95 * f64::from(rate) {
        let reached = drive.per_second;
        return Err(Failure::new(format!(
            "{rate} requests a second were asked for, {reached:.0} were reached"
        )));
    }
    let too_much = most.iter().filter(|(_, most)| **most >= LIMIT_KIB).map(|(name, _)| *name);
    let too_much = too_much.collect::<Vec<_>>().join(", ");
    if too_much.is_empty() { Ok(()) } else { Err(Failure::new(format!("above 64 MiB: {too_much}"))) }
}

fn mib(kib: u64) -> String {
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_watched_until_done() {
        let processes = BTreeMap::from([("xtask", std::process::id())]);
        let size = sizes(&processes)["xtask"];
        assert!(size > 1_000, "{size} KiB");
        assert!(watch(&processes, &AtomicBool::new(true)).is_empty());
        let done = AtomicBool::new(false);
        let most = thread::scope(|scope| {
            let watch = scope.spawn(|| watch(&processes, &done));
            thread::sleep(INTERVAL / 10);
            done.store(true, Ordering::Relaxed);
            watch.join().unwrap()
        });
        assert!(most["xtask"] > 1_000, "{most:?}");
    }

    #[test]
    fn a_run_counts_only_where_the_shop_did_what_was_asked() {
        let drive =
            |per_second, failed| Drive { sent: 1_000, failed, failure: None, per_second, p99: INTERVAL };
        let most = Sizes::from([("basket", LIMIT_KIB - 1)]);
        assert!(verdict(1_000, &drive(990.0, 10), &most).is_ok());
        let said = |drive: &Drive, most: &Sizes| verdict(1_000, drive, most).unwrap_err().to_string();
        assert!(said(&drive(990.0, 11), &most).contains("failed"));
        assert!(said(&drive(900.0, 0), &most).contains("900 were reached"));
        let most = Sizes::from([("basket", LIMIT_KIB), ("product", 1)]);
        assert_eq!(said(&drive(990.0, 0), &most), "above 64 MiB: basket");
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(mib(64 * 1024 + 512), "64.5 MiB");
    }

    #[test]
    fn this_process_is_no_service() {
        assert_eq!(service(std::process::id(), 1), None);
    }
}
