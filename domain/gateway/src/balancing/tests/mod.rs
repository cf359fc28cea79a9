//! Pools and rosters at work.

mod health;
mod shares;

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::*;
use crate::{
    Backend, Moment, Outcome, Weight,
    breaker::BreakerSettings,
    member::{Arrival, Limits, Member, MemberSettings, NoBell, Slot, Tried},
};

const SECOND: Duration = Duration::from_secs(1);
/// Late enough for every slow start to be over.
const NOW: u64 = 1_000;

fn at(seconds: u64) -> Moment {
    Moment::START.plus(SECOND * u32::try_from(seconds).unwrap())
}

fn settings() -> MemberSettings {
    MemberSettings { limits: Limits::default(), breaker: Some(BreakerSettings::default()), outliers: None }
}

fn roster(strategy: Strategy, backends: &str, settings: MemberSettings) -> Roster {
    let mut roster = Roster::new(RosterSettings::default(), strategy);
    for backend in backends.split(',').map(|text| Backend::parse(text).unwrap()) {
        let member = Member::new(backend, settings, Arc::new(NoBell), Moment::START);
        roster.add(Arc::new(member), Moment::START).unwrap();
    }
    roster
}

fn pool(strategy: Strategy, backends: &str) -> Pool {
    roster(strategy, backends, settings()).refresh(at(NOW))
}

/// A sequence of numbers as good as random.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn enter(pool: &Pool, random: &mut Random, tried: &Tried, seconds: u64) -> Result<Slot, Unavailable> {
    let attempt = Attempt { now: at(seconds), random: random.next(), tried };
    match pool.enter(attempt)? {
        Arrival::Admitted(slot) => Ok(slot),
        Arrival::Queued(_) => Err(Unavailable::Full),
    }
}

fn name(slot: &Slot) -> String {
    slot.member().backend().authority().to_owned()
}

/// Who got how many of so many requests that end at once.
fn counts(pool: &Pool, requests: u32, seconds: u64) -> HashMap<String, u32> {
    let mut random = Random(42);
    let mut counts = HashMap::new();
    for _ in 0..requests {
        let slot = enter(pool, &mut random, &Tried::none(), seconds).unwrap();
        *counts.entry(name(&slot)).or_default() += 1;
    }
    counts
}

#[track_caller]
fn assert_counts(counts: &HashMap<String, u32>, expected: &[(&str, u32)], tolerance: u32) {
    for (authority, expected) in expected {
        let count = counts.get(*authority).copied().unwrap_or_default();
        assert!(
            count.abs_diff(*expected) <= tolerance,
            "{authority} has {count}, not {expected}: {counts:?}"
        );
    }
    assert!(counts.keys().all(|name| expected.iter().any(|(known, _)| known == name)), "{counts:?}");
}
