//! What the gateway aims at, and what it reached.

use super::report::{Row, Sample};
use crate::paint::{Colour, paint};

/// What the gateway reached of an aim, by the medians and by how rounds differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    Met,
    /// The medians miss it, by less than the rounds differ: it was met in some of their middle half.
    Level,
    Missed,
}

impl Reached {
    pub(super) fn mark(self) -> String {
        match self {
            Self::Met => paint(Colour::Green, "✓"),
            Self::Level => paint(Colour::Yellow, "≈"),
            Self::Missed => paint(Colour::Red, "✗"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Aim {
    pub(super) reached: Reached,
    pub(super) text: String,
}

/// A figure that is compared with a rival's.
struct Figure {
    name: &'static str,
    of: fn(&Sample) -> f64,
    of_row: fn(&Row) -> f64,
    /// Whether a ratio is as aimed at.
    met: fn(f64) -> bool,
}

#[expect(clippy::cast_precision_loss, reason = "no case has 2^52 requests, or takes as many microseconds")]
const RATE: Figure = Figure {
    name: "requests",
    of: |sample| sample.load.requests as f64 / sample.load.seconds,
    of_row: |row| row.per_second,
    met: |ratio| ratio >= 1.0,
};
#[expect(clippy::cast_precision_loss, reason = "no request takes 2^52 microseconds")]
const P99: Figure = Figure {
    name: "p99",
    of: |sample| sample.load.p99_us.max(1) as f64,
    of_row: |row| row.p99_us.max(1) as f64,
    met: |ratio| ratio <= 1.0,
};
#[expect(clippy::cast_precision_loss, reason = "no case has 2^52 requests")]
const CPU: Figure = Figure {
    name: "CPU",
    of: |sample| sample.cpu.as_secs_f64() / sample.load.requests.max(1) as f64,
    of_row: |row| row.cpu_s,
    met: |ratio| ratio <= 1.25,
};

/// On small answers: as many requests and as short a p99 as nginx and HAProxy have, and 1.25 × the CPU of nginx at most.
pub(super) fn aims(rows: &[Row], samples: &[Sample]) -> Vec<Aim> {
    let mut aims = Vec::new();
    for ours in rows.iter().filter(|row| row.proxy == "gateway" && row.case.starts_with("small")) {
        let figures =
            [("nginx", &RATE), ("nginx", &P99), ("haproxy", &RATE), ("haproxy", &P99), ("nginx", &CPU)];
        for (rival, figure) in figures {
            let theirs = rows.iter().find(|row| row.case == ours.case && row.proxy == rival);
            aims.extend(theirs.map(|theirs| aim(figure, (ours, theirs), samples)));
        }
    }
    aims
}

fn aim(figure: &Figure, (ours, theirs): (&Row, &Row), samples: &[Sample]) -> Aim {
    let of = |proxy| {
        let of = samples.iter().filter(move |sample| (sample.case, sample.proxy) == (ours.case, proxy));
        of.map(figure.of)
    };
    let mut rounds: Vec<f64> = of(ours.proxy)
        .zip(of(theirs.proxy))
        .map(|(ours, theirs)| ours / theirs.max(f64::MIN_POSITIVE))
        .collect();
    rounds.sort_unstable_by(f64::total_cmp);
    let quarter = rounds.len() / 4;
    let middle = &rounds[quarter..rounds.len() - quarter];
    let ratio = (figure.of_row)(ours) / (figure.of_row)(theirs).max(f64::MIN_POSITIVE);
    let reached = match (figure.met)(ratio) {
        true => Reached::Met,
        false if middle.iter().any(|ratio| (figure.met)(*ratio)) => Reached::Level,
        false => Reached::Missed,
    };
    let (least, most) = (rounds.first().unwrap_or(&ratio), rounds.last().unwrap_or(&ratio));
    let (case, name, rival) = (ours.case, figure.name, theirs.proxy);
    let text = format!("{case}: {ratio:.2} × the {name} of {rival} (rounds: {least:.2} to {most:.2})");
    Aim { reached, text }
}

pub(super) fn summary(aims: &[Aim]) -> String {
    let count = |reached| aims.iter().filter(|aim| aim.reached == reached).count();
    format!(
        "{} of {} aims met, {} level (missed by less than rounds differ), {} missed",
        count(Reached::Met),
        aims.len(),
        count(Reached::Level),
        count(Reached::Missed),
    )
}

#[cfg(test)]
mod tests {
    use super::super::report::{rows, tests::sample};
    use super::Reached::{Met, Missed};
    use super::*;

    #[test]
    fn aims_compare_with_the_neighbours() {
        let samples = [sample("gateway", 200, 10), sample("nginx", 100, 10), sample("haproxy", 400, 5)];
        let aims = aims(&rows(&samples), &samples);
        let reached: Vec<_> = aims.iter().map(|aim| aim.reached).collect();
        assert_eq!(reached, [Met, Met, Missed, Missed, Met]);
        assert_eq!(aims[0].text, "small-32: 2.00 × the requests of nginx (rounds: 2.00 to 2.00)");
        assert_eq!(summary(&aims), "3 of 5 aims met, 0 level (missed by less than rounds differ), 2 missed");
    }

    #[test]
    fn an_aim_that_rounds_disagree_about_is_neither_met_nor_missed() {
        let round = |ours, theirs| [sample("gateway", ours, 10), sample("nginx", theirs, 10)];
        let reached = |rounds: &[[Sample; 2]]| {
            let samples = rounds.concat();
            aims(&rows(&samples), &samples)[0].reached
        };
        assert_eq!(reached(&[round(99, 100), round(98, 97), round(90, 101)]), Reached::Level);
        assert_eq!(reached(&[round(99, 100), round(98, 99), round(90, 101)]), Missed);
        // One round of five is an exception.
        let others = [round(90, 100), round(90, 100), round(90, 100), round(90, 100)];
        assert_eq!(reached(&[&others[..], &[round(100, 90)]].concat()), Missed);
    }
}
