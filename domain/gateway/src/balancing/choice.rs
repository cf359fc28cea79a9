//! One choice among the backends that are ready.
//!
//! A choice never waits and takes no lock. A backend that must not be chosen (tried already, full, breaker open) is
//! replaced by one drawn by weight: were it replaced by its neighbour on the wheel, that one would get twice its share.

use std::sync::Arc;

use super::{strategy::Strategy, wheel::Wheel};
use crate::{Moment, member::Member};

/// How often a replacement is drawn before all backends are searched.
const DRAWS: u64 = 4;

/// A backend that is ready, and its weight as it is now.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) member: Arc<Member>,
    pub(super) weight: u32,
}

/// Everything that a choice depends on.
pub(super) struct Choice<'a, F> {
    pub(super) ready: &'a [Ready],
    pub(super) wheel: &'a Wheel,
    pub(super) position: usize,
    pub(super) random: u64,
    pub(super) now: Moment,
    pub(super) eligible: F,
}

impl<F: Fn(&Arc<Member>) -> bool> Choice<'_, F> {
    /// The index of the chosen backend; `None` where none is eligible.
    pub(super) fn make(&self, strategy: Strategy) -> Option<usize> {
        match strategy {
            Strategy::RoundRobin | Strategy::WeightedRoundRobin => self.next(),
            Strategy::LeastConnections => self.least_loaded(),
            Strategy::PowerOfTwoChoices => self.better_of_two(),
        }
    }

    fn next(&self) -> Option<usize> {
        self.or_replacement(self.wheel.at(self.position)?)
    }

    /// Among equally loaded ones the wheel decides, so that idle backends share by weight.
    fn least_loaded(&self) -> Option<usize> {
        let turn = self.next()?;
        let load = |index: usize| Load::of(&self.ready[index]);
        let mut least = (turn, load(turn));
        for index in 0..self.ready.len() {
            let load = load(index);
            if load.is_less_than(least.1) && self.is_eligible(index) {
                least = (index, load);
            }
        }
        if least.0 == turn {
            return Some(turn);
        }
        let as_low = |index: usize| !least.1.is_less_than(load(index));
        self.replacement(as_low).or(Some(least.0))
    }

    fn better_of_two(&self) -> Option<usize> {
        let one = self.or_replacement(self.wheel.draw(self.random)?)?;
        match self.replacement(|index| index != one) {
            Some(other) if self.cost(other) < self.cost(one) => Some(other),
            _ => Some(one),
        }
    }

    /// How long an answer is likely to take. Only the load is divided by the weight: the draw sees to the shares of idle
    /// backends, and would be counted twice.
    fn cost(&self, index: usize) -> f64 {
        let Ready { member, weight } = &self.ready[index];
        let load = u32::try_from(member.gate().counts().load()).unwrap_or(u32::MAX);
        member.latency().seconds(self.now) * (1.0 + f64::from(load) / f64::from(*weight))
    }

    fn or_replacement(&self, index: usize) -> Option<usize> {
        if self.is_eligible(index) { Some(index) } else { self.replacement(|_| true) }
    }

    /// Another one, drawn by weight as long as that finds one.
    fn replacement(&self, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let fits = |index: &usize| fits(*index) && self.is_eligible(*index);
        let drawn = (1..=DRAWS).filter_map(|draw| self.wheel.draw(mix(self.random, draw)));
        drawn.into_iter().find(fits).or_else(|| self.search(fits))
    }

    fn search(&self, fits: impl Fn(&usize) -> bool) -> Option<usize> {
        let count = self.ready.len();
        let start = self.wheel.draw(mix(self.random, 0))?;
        (start..count).chain(0..start).find(fits)
    }

    fn is_eligible(&self, index: usize) -> bool {
        (self.eligible)(&self.ready[index].member)
    }
}

/// Requests for their weight.
#[derive(Clone, Copy)]
struct Load {
    requests: u64,
    weight: u64,
}

impl Load {
    fn of(ready: &Ready) -> Self {
        Self { requests: ready.member.gate().counts().load(), weight: u64::from(ready.weight) }
    }

    const fn is_less_than(self, other: Self) -> bool {
        self.requests * other.weight < other.requests * self.weight
    }
}

/// Further random numbers from one (the finaliser of `SplitMix64`).
const fn mix(random: u64, step: u64) -> u64 {
    let mut word = random.wrapping_add((step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
