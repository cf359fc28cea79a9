//! The process's own figures, read from `/proc` when somebody asks. Where there is no `/proc` they are left out.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{TypedMetric, counter::ConstCounter, gauge::ConstGauge},
};

/// Reads at scrape time.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(bytes) = resident_bytes() {
            put(&mut to, "process_resident_memory_bytes", "Memory held", &ConstGauge::new(bytes))?;
        }
        if let Some(seconds) = cpu_seconds() {
            put(&mut to, "process_cpu_seconds", "CPU time used", &ConstCounter::new(seconds))?;
        }
        if let Some(files) = open_files() {
            put(&mut to, "process_open_fds", "Files and sockets open", &ConstGauge::new(files))?;
        }
        if let Some(start) = start_seconds() {
            put(&mut to, "process_start_time_seconds", "Start, in Unix time", &ConstGauge::new(start))?;
        }
        Ok(())
    }
}

fn put<M: EncodeMetric + TypedMetric>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &M,
) -> fmt::Result {
    metric.encode(to.encode_descriptor(name, help, None, M::TYPE)?)
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

fn cpu_seconds() -> Option<f64> {
    let stat = Stat::read()?;
    Some(seconds(stat.field(14)?) + seconds(stat.field(15)?))
}

fn start_seconds() -> Option<f64> {
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot: u32 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(f64::from(boot) + seconds(Stat::read()?.field(22)?))
}

fn open_files() -> Option<u64> {
    // Listing the folder opens it, so one entry is ours.
    let entries = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(entries.saturating_sub(1)).ok()
}

/// `/proc/self/stat` after the program's name, which may itself hold spaces and brackets.
struct Stat(String);

impl Stat {
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/stat").ok()?;
        text.rsplit_once(") ").map(|(_, rest)| Self(rest.to_owned()))
    }

    /// A field by the number `proc(5)` gives it; the first one kept is number 3.
    fn field(&self, number: usize) -> Option<u64> {
        self.0.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
    }
}

/// The kernel counts in hundredths of a second towards programs, whatever its own tick is.
fn seconds(ticks: u64) -> f64 {
    std::time::Duration::from_millis(ticks.saturating_mul(10)).as_secs_f64()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn figures_are_this_process() {
        assert!(resident_bytes().unwrap() > 100_000);
        assert!(cpu_seconds().unwrap() >= 0.0);
        assert!(start_seconds().unwrap() > 1.0e9);
        let before = open_files().unwrap();
        let _held: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        assert!(open_files().unwrap() >= before + 25);
    }
}
