//! What is aimed at for each class of operations, and whether it was met.

use super::measurement::{Class, Measurement};

/// The part of a server's limit that point reads and commands on one aggregate keep.
const RATIO: f64 = 0.7;
/// Events a second that a relay carries.
const RELAY: f64 = 20_000.0;
/// How many times as long as the first page a page far behind it may take.
const TIMES: f64 = 2.0;

/// An aim, with what was reached.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) aim: String,
    pub(super) met: bool,
}

/// The verdict on one of `all`; none where nothing is aimed at, or nothing is there to compare with.
pub(super) fn verdict(one: &Measurement, all: &[Measurement]) -> Option<Verdict> {
    match one.class {
        Class::PointRead | Class::Command => {
            let ratio = one.ratio()?;
            Some(Verdict { aim: format!("{RATIO} of the limit"), met: ratio >= RATIO })
        }
        Class::Relay => Some(Verdict { aim: format!("{RELAY} a second"), met: one.ops_per_s >= RELAY }),
        Class::DeepPage => {
            let first = first_page(one, all)?;
            let times = micros(one) / micros(first);
            let aim = format!("{times:.1} of {TIMES} times the first page");
            Some(Verdict { aim, met: times <= TIMES })
        }
        Class::Process | Class::FirstPage | Class::Stream => None,
    }
}

fn first_page<'a>(deep: &Measurement, all: &'a [Measurement]) -> Option<&'a Measurement> {
    let same = |one: &&Measurement| {
        one.class == Class::FirstPage
            && (&one.port, &one.operation, &one.home) == (&deep.port, &deep.operation, &deep.home)
    };
    all.iter().find(same)
}

/// The median: a page is what a person waits for, and most of them should.
#[expect(clippy::cast_precision_loss, reason = "no page takes 2^52 microseconds")]
fn micros(one: &Measurement) -> f64 {
    one.p50_us.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::super::measurement::measured;
    use super::*;

    fn met(one: &Measurement, all: &[Measurement]) -> Option<bool> {
        verdict(one, all).map(|verdict| verdict.met)
    }

    #[test]
    fn a_read_keeps_its_part_of_the_limit() {
        assert_eq!(met(&measured(Class::PointRead, 70.0, Some(100.0)), &[]), Some(true));
        assert_eq!(met(&measured(Class::Command, 69.0, Some(100.0)), &[]), Some(false));
        assert_eq!(met(&measured(Class::Command, 69.0, None), &[]), None, "nothing to compare with");
        assert_eq!(met(&measured(Class::Process, 1.0, Some(100.0)), &[]), None);
    }

    #[test]
    fn a_relay_has_a_rate_of_its_own() {
        assert_eq!(met(&measured(Class::Relay, 20_000.0, None), &[]), Some(true));
        assert_eq!(met(&measured(Class::Relay, 19_999.0, None), &[]), Some(false));
    }

    #[test]
    fn a_deep_page_is_held_against_the_first_of_its_list() {
        let first = measured(Class::FirstPage, 1.0, None);
        let deep = |p50_us| Measurement { p50_us, ..measured(Class::DeepPage, 1.0, None) };
        let other = Measurement { home: "sqlite".to_owned(), p50_us: 1_000, ..first.clone() };
        let all = [other, first];
        assert_eq!(met(&deep(200), &all), Some(true));
        assert_eq!(met(&deep(201), &all), Some(false));
        assert_eq!(met(&deep(200), &[]), None);
    }
}
