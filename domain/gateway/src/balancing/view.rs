//! A backend as an operator sees it.

use std::time::Duration;

use crate::{
    Weight,
    breaker::BreakerView,
    member::{Counts, Limits},
};

/// One backend at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// What tells it from the others: where it listens, and under which name where it has one.
    pub id: String,
    /// Its share when it is fully in.
    pub weight: Weight,
    /// Whether it gets requests.
    pub condition: Condition,
    /// Its requests.
    pub counts: Counts,
    /// Its places.
    pub limits: Limits,
    /// Its latency: an average that follows peaks.
    pub latency: Duration,
    /// Its breaker, if it has one.
    pub breaker: Option<BreakerView>,
}

/// Whether a backend gets requests, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All that are its share.
    Ready,
    /// Some: it has come back and starts slowly.
    Warming {
        /// How much of its weight it has.
        tenths: u32,
    },
    /// None: its probes fail.
    Down,
    /// None: its requests failed.
    Ejected {
        /// For how long.
        left: Duration,
    },
    /// No new ones: an operator takes it out.
    Draining {
        /// Whether the last one has ended.
        drained: bool,
    },
}

impl Condition {
    /// The name in logs, metrics and answers: `ready`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Warming { .. } => "warming",
            Self::Down => "down",
            Self::Ejected { .. } => "ejected",
            Self::Draining { .. } => "draining",
        }
    }
}
