//! The machine that was measured, and whether it had anything else to do.

use crate::paint::{Colour, paint, say};
use serde::Serialize;
use std::{fs, thread};

/// What figures depend on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    cores: usize,
    processor: String,
    memory_mib: u64,
    /// How many processes wanted to run during the last minute, before ours.
    load: f64,
}

impl Machine {
    pub(super) fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            cores: thread::available_parallelism().map_or(1, usize::from),
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or("unknown").to_owned(),
            memory_mib: field(&read("/proc/meminfo"), "MemTotal").map_or(0, kilobytes) / 1024,
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or_default(),
        }
    }

    /// Other work takes from the port and from the tool beside it, and rarely the same from both.
    pub(super) fn warn(&self) {
        if self.load > 0.5 {
            let text = format!("! the machine is busy (load {}): figures will be rough", self.load);
            say!("{}", paint(Colour::Yellow, &text));
        }
    }

    pub(super) fn line(&self) -> String {
        let Self { cores, processor, memory_mib, load } = self;
        format!("{cores} cores ({processor}), {memory_mib} MiB, load {load} before")
    }
}

/// The value of the first line that begins with that name.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

/// Of a value as in `1234 kB`.
pub(super) fn kilobytes(value: &str) -> u64 {
    value.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_kernels_files_are_read() {
        let text = "Name:\tproduct-service\nVmHWM:\t   40000 kB\nVmRSS:\t   35840 kB\n";
        assert_eq!(field(text, "VmRSS").map(kilobytes), Some(35_840));
        assert_eq!(field(text, "Name"), Some("product-service"));
        assert_eq!(field(text, "Nothing"), None);
    }

    #[test]
    fn a_machine_has_at_least_a_core() {
        let machine = Machine::look();
        assert!(machine.cores > 0 && machine.line().contains("cores"));
    }
}
