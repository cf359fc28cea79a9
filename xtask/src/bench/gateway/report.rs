//! Medians over the rounds, and how the gateway stands beside a like nginx.

use super::super::machine::Machine;
use super::aims::{aims, summary};
use super::load::Load;
use crate::failure::{Context, Outcome};
use crate::paint::{Colour, paint, say};
use serde::Serialize;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// One case with one proxy in one round.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sample {
    pub(super) proxy: &'static str,
    pub(super) case: &'static str,
    pub(super) load: Load,
    pub(super) cpu: Duration,
    /// KiB, of the proxy and its children, right after the load.
    pub(super) resident: u64,
}

/// The medians of a case with a proxy.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(super) struct Row {
    pub(super) case: &'static str,
    pub(super) proxy: &'static str,
    pub(super) per_second: f64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) p999_us: u64,
    /// CPU seconds for 100,000 requests.
    pub(super) cpu_s: f64,
    resident_kib: u64,
    errors: u64,
}

/// The proxy that does as much of the gateway's work as a stock nginx can.
const ALIKE: &str = "nginx-alike";
/// What is to be known of it by whoever reads the ratios.
const ALIKE_LACKS: &str = "does what a stock nginx can of the gateway's work, which is without tokens, breakers with \
    half-open, probes, outlier ejection, and metrics by route and backend; the aims are measured against the bare ones";

/// Prints the table, the aims and what is beside them, and writes the figures.
pub(super) fn show(machine: &Machine, samples: &[Sample], folder: &Path) -> Outcome {
    let rows = rows(samples);
    let table = markdown(&rows);
    let beside = beside_alike(&rows);
    say!("{}\n{table}", machine.line());
    let aims = aims(&rows, samples);
    for aim in &aims {
        say!("{} {}", aim.reached.mark(), aim.text);
    }
    if !aims.is_empty() {
        say!("{}", summary(&aims));
    }
    for line in &beside {
        say!("{} {line}", paint(Colour::Dim, "·"));
    }
    let table = beside.iter().fold(table, |text, line| format!("{text}\n{line}\n"));
    let figures = serde_json::json!({ "machine": machine, "rows": rows, "samples": samples });
    let text = serde_json::to_string_pretty(&figures).context(|| "describing the figures".to_owned())?;
    for (name, text) in [("gateway.json", text), ("gateway.md", table)] {
        let path = folder.join(name);
        fs::write(&path, text + "\n").context(|| format!("writing {}", path.display()))?;
        say!("written: {}", path.display());
    }
    Ok(())
}

pub(super) fn rows(samples: &[Sample]) -> Vec<Row> {
    let mut keys: Vec<_> = samples.iter().map(|sample| (sample.case, sample.proxy)).collect();
    let mut seen = Vec::new();
    keys.retain(|key| {
        !seen.contains(key) && {
            seen.push(*key);
            true
        }
    });
    keys.into_iter()
        .map(|(case, proxy)| {
            let of: Vec<_> =
                samples.iter().filter(|sample| (sample.case, sample.proxy) == (case, proxy)).collect();
            row(case, proxy, &of)
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "no case has 2^52 requests")]
fn row(case: &'static str, proxy: &'static str, samples: &[&Sample]) -> Row {
    let whole = |of: fn(&Sample) -> u64| {
        median(samples.iter().map(|sample| of(sample)).collect()).unwrap_or_default()
    };
    let real = |of: fn(&Sample) -> f64| {
        let mut all: Vec<_> = samples.iter().map(|sample| of(sample)).collect();
        all.sort_unstable_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Row {
        case,
        proxy,
        per_second: real(|sample| sample.load.requests as f64 / sample.load.seconds),
        p50_us: whole(|sample| sample.load.p50_us),
        p99_us: whole(|sample| sample.load.p99_us),
        p999_us: whole(|sample| sample.load.p999_us),
        cpu_s: real(|sample| sample.cpu.as_secs_f64() * 100_000.0 / sample.load.requests.max(1) as f64),
        resident_kib: whole(|sample| sample.resident),
        errors: samples.iter().map(|sample| sample.load.errors).sum(),
    }
}

fn median(mut all: Vec<u64>) -> Option<u64> {
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| case | proxy | requests/s | p50 ms | p99 ms | p99.9 ms | CPU s per 100k | MiB | errors |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let ms = |us: u64| format!("{}.{:02}", us / 1_000, us % 1_000 / 10);
        let _ = writeln!(
            text,
            "| {} | {} | {:.0} | {} | {} | {} | {:.2} | {} | {} |",
            row.case,
            row.proxy,
            row.per_second,
            ms(row.p50_us),
            ms(row.p99_us),
            ms(row.p999_us),
            row.cpu_s,
            row.resident_kib / 1024,
            row.errors,
        );
    }
    text
}

/// For information, and no aim: how each case stands to the nginx that does like work, and what that one does not do.
fn beside_alike(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    for ours in rows.iter().filter(|row| row.proxy == "gateway") {
        let Some(theirs) = rows.iter().find(|row| row.case == ours.case && row.proxy == ALIKE) else {
            continue;
        };
        let (rate, p99) = (ours.per_second / theirs.per_second, ratio(ours.p99_us, theirs.p99_us));
        let cpu = ours.cpu_s / theirs.cpu_s.max(f64::MIN_POSITIVE);
        let figures = format!("{rate:.2} × the requests, {p99:.2} × the p99 and {cpu:.2} × the CPU");
        lines.push(format!("{}: {figures} of {ALIKE} (no aim)", ours.case));
    }
    if !lines.is_empty() {
        lines.push(format!("{ALIKE} {ALIKE_LACKS}"));
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "no request takes 2^52 microseconds")]
fn ratio(ours: u64, theirs: u64) -> f64 {
    ours as f64 / theirs.max(1) as f64
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn sample(proxy: &'static str, requests: u64, p99_us: u64) -> Sample {
        let load = Load { requests, seconds: 1.0, p99_us, ..Load::default() };
        Sample { proxy, case: "small-32", load, cpu: Duration::from_secs(1), resident: 2_048 }
    }

    #[test]
    fn rows_are_medians_in_the_order_of_the_run() {
        let samples = [
            sample("nginx", 300, 3),
            sample("gateway", 1, 1),
            sample("nginx", 100, 9),
            sample("nginx", 200, 5),
        ];
        let rows = rows(&samples);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].proxy, rows[0].p99_us, rows[0].resident_kib), ("nginx", 5, 2_048));
        assert!((rows[0].per_second - 200.0).abs() < f64::EPSILON);
        assert!((rows[0].cpu_s - 500.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_like_nginx_is_information_and_no_aim() {
        let samples = [sample("gateway", 200, 10), sample("nginx", 400, 10), sample(ALIKE, 100, 20)];
        let without = rows(&samples[..2]);
        let with = rows(&samples);
        assert_eq!(aims(&with, &samples), aims(&without, &samples[..2]));
        assert!(beside_alike(&without).is_empty());
        let lines = beside_alike(&with);
        let ratios =
            "small-32: 2.00 × the requests, 0.50 × the p99 and 0.50 × the CPU of nginx-alike (no aim)";
        assert_eq!(lines[0], ratios);
        for lacking in ["tokens", "breakers", "probes", "outlier ejection", "metrics"] {
            assert!(lines[1].contains(lacking), "{lacking}");
        }
    }

    #[test]
    fn the_table_is_markdown() {
        let text = markdown(&rows(&[sample("nginx", 200_000, 12_345)]));
        assert!(
            text.ends_with("| small-32 | nginx | 200000 | 0.00 | 12.34 | 0.00 | 0.50 | 2 | 0 |\n"),
            "{text}"
        );
    }
}
