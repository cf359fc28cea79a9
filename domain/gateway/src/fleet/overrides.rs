//! Everything that operators have changed: one aggregate, so that changes come one after the other.

use super::{name::Fleet, service::ServiceOverrides};
use crate::limit::Quota;

/// The changes to all fleets, and their version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overrides {
    version: u64,
    fleets: [ServiceOverrides; Fleet::INDEXES],
    rate: Option<RateRule>,
}

/// How many requests each client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateRule {
    /// As many as it likes.
    Unlimited,
    /// So many.
    Limited(Quota),
}

impl RateRule {
    /// The quota, where there is one.
    pub const fn quota(self) -> Option<Quota> {
        match self {
            Self::Unlimited => None,
            Self::Limited(quota) => Some(quota),
        }
    }
}

impl From<Option<Quota>> for RateRule {
    fn from(quota: Option<Quota>) -> Self {
        quota.map_or(Self::Unlimited, Self::Limited)
    }
}

impl Overrides {
    /// Nothing is changed. `version` MUST be greater than any that was handed out before, by earlier processes too.
    pub fn none(version: u64) -> Self {
        Self { version, fleets: Default::default(), rate: None }
    }

    /// Changes that were kept; fleets without any may be missing.
    pub fn restore(
        version: u64,
        fleets: impl IntoIterator<Item = (Fleet, ServiceOverrides)>,
        rate: Option<RateRule>,
    ) -> Self {
        let mut restored = Self { rate, ..Self::none(version) };
        for (fleet, overrides) in fleets {
            restored.fleets[fleet.index()] = overrides;
        }
        restored
    }

    /// Grows with every change.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// One fleet's changes.
    pub const fn of(&self, fleet: Fleet) -> &ServiceOverrides {
        &self.fleets[fleet.index()]
    }

    /// The same, to be changed.
    pub const fn of_mut(&mut self, fleet: Fleet) -> &mut ServiceOverrides {
        &mut self.fleets[fleet.index()]
    }

    /// How many requests clients may send, where that was changed.
    pub const fn rate(&self) -> Option<RateRule> {
        self.rate
    }

    /// Changes how many requests clients may send; `None` is as configured.
    pub const fn set_rate(&mut self, rate: Option<RateRule>) {
        self.rate = rate;
    }

    /// The next version.
    #[must_use]
    pub fn succeeded(self) -> Self {
        Self { version: self.version.saturating_add(1), ..self }
    }
}
