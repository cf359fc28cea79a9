//! What a proxy and its children took of the machine.

use super::super::machine::{field, kilobytes};
use std::fs;
use std::time::Duration;

/// Until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// In user and kernel mode.
    pub(super) cpu: Duration,
    /// KiB.
    pub(super) resident: u64,
}

/// How Linux counts CPU time on all machines of ours.
const TICK: Duration = Duration::from_millis(10);

/// Of that process and all that it started and that still runs.
pub(super) fn of(root: u32) -> Usage {
    let mut sum = Usage::default();
    for id in family(root) {
        let Some((_, ticks)) = stat(id) else { continue };
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        sum.cpu += TICK * ticks;
        sum.resident += field(&status, "VmRSS").map(kilobytes).unwrap_or_default();
    }
    sum
}

fn family(root: u32) -> Vec<u32> {
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<_> = ids.filter_map(|id| Some((id, stat(id)?.0))).collect();
    let mut family = vec![root];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        next += 1;
    }
    family
}

/// Its parent, and its ticks in user and kernel mode.
fn stat(id: u32) -> Option<(u32, u32)> {
    parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// The name, which may hold anything, is in the outermost parentheses.
fn parse(line: &str) -> Option<(u32, u32)> {
    let fields: Vec<_> = line.get(line.rfind(')')? + 1..)?.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u32>().ok();
    Some((number(1)?, number(11)? + number(12)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_kernel_s_line_is_read() {
        let line = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 2 0 0 150 25 0 0 20 0 1 0 100 0 0";
        assert_eq!(parse(line), Some((3, 175)));
        assert_eq!(parse("7 nonsense"), None);
    }

    #[test]
    fn children_count() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let (family, usage) = (family(std::process::id()), of(std::process::id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(family.contains(&child.id()));
        assert!(usage.resident > 1_000, "{usage:?}");
    }
}
