//! Measurements for people: on the terminal, and as Markdown.

use super::aims::{self, Verdict};
use super::measurement::{Class, Measurement};
use crate::paint::{Colour, paint};
use std::fmt::Write as _;

const HEAD: [&str; 9] = ["port", "operation", "home", "ops/s", "p50", "p99", "limit ops/s", "ratio", "aim"];

/// Lined up by spaces, with colours where somebody looks.
pub(super) fn text(all: &[Measurement]) -> String {
    let rows: Vec<_> = all.iter().map(|one| row(one, all)).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEAD[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let line = |cells: &[String; 9]| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if is_number(column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text = paint(Colour::Bold, &line(&HEAD.map(str::to_owned))) + "\n";
    for (row, one) in rows.iter().zip(all) {
        let colour = match aims::verdict(one, all) {
            Some(Verdict { met: false, .. }) => Colour::Red,
            Some(_) => Colour::Green,
            None => Colour::Dim,
        };
        let _ = writeln!(text, "{}", paint(colour, &line(row)));
    }
    text
}

/// A table for `docs/scaling.md`.
pub(super) fn markdown(all: &[Measurement]) -> String {
    let rule = (0..HEAD.len()).map(|column| if is_number(column) { "--:" } else { "---" });
    let mut text = format!("| {} |\n| {} |\n", HEAD.join(" | "), rule.collect::<Vec<_>>().join(" | "));
    for one in all {
        let _ = writeln!(text, "| {} |", row(one, all).join(" | "));
    }
    text
}

const fn is_number(column: usize) -> bool {
    matches!(column, 3..=7)
}

fn row(one: &Measurement, all: &[Measurement]) -> [String; 9] {
    let nothing = || "–".to_owned();
    // A call that carries all there is has no latency of interest.
    let timed = !matches!(one.class, Class::Stream | Class::Relay);
    let time = |micros| if timed { time(micros) } else { nothing() };
    let raw = one.raw_ops_per_s.map(rate);
    let raw = raw.unwrap_or_else(|| one.raw_missing.as_ref().map_or_else(nothing, |_| "no tool".to_owned()));
    let verdict = aims::verdict(one, all);
    let verdict = verdict.map(|Verdict { aim, met }| format!("{} {aim}", if met { '✓' } else { '✗' }));
    [
        one.port.clone(),
        one.name(),
        one.home.clone(),
        rate(one.ops_per_s),
        time(one.p50_us),
        time(one.p99_us),
        raw,
        one.ratio().map_or_else(nothing, |ratio| format!("{ratio:.2}")),
        verdict.unwrap_or_else(nothing),
    ]
}

/// With thousands apart, as in `12,345`.
fn rate(rate: f64) -> String {
    let digits = format!("{rate:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn time(micros: u64) -> String {
    if micros < 1_000 {
        format!("{micros} µs")
    } else {
        format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::super::measurement::measured;
    use super::*;

    #[test]
    fn figures_are_for_people() {
        assert_eq!((rate(999.6).as_str(), rate(1_234_567.0).as_str()), ("1,000", "1,234,567"));
        assert_eq!((time(950).as_str(), time(12_345).as_str()), ("950 µs", "12.3 ms"));
    }

    #[test]
    fn a_row_has_ratio_and_aim() {
        let one = measured(Class::PointRead, 8_000.0, Some(10_000.0));
        let text = markdown(&[one]);
        let row = text.lines().last().unwrap();
        assert_eq!(
            row,
            "| ProductQueries | list by id | postgres | 8,000 | 100 µs | 900 µs | 10,000 | 0.80 | ✓ 0.7 of the limit |"
        );
    }

    #[test]
    fn a_missing_tool_is_said_and_a_stream_has_no_latency() {
        let raw_missing = Some("sysbench: apt-get install sysbench".to_owned());
        let one = Measurement { raw_missing, ..measured(Class::Stream, 8_000.0, None) };
        let text = text(&[one]);
        let row = text.lines().last().unwrap();
        assert!(row.contains("no tool") && !row.contains("µs"), "{row}");
    }

    #[test]
    fn columns_line_up() {
        let all = [measured(Class::Relay, 20_001.0, None), measured(Class::Relay, 3.0, None)];
        let text = text(&all);
        let ends: Vec<_> = text.lines().skip(1).map(|line| line.find("  –").unwrap()).collect();
        assert_eq!(ends[0], ends[1]);
    }
}
