//! The shop's terms as a component: its parameters come from the configuration.

use chrono::TimeDelta;
use kernel_domain::Currency;
use shaku::Component;

use crate::ports::BasketTerms;

/// Terms fixed at the start of the process.
#[derive(Clone, Copy, Component, Debug)]
#[shaku(interface = BasketTerms)]
pub struct Terms {
    /// How long a basket lives after its last change.
    ttl: TimeDelta,
    /// The currency of all prices.
    currency: Currency,
}

impl Terms {
    /// Baskets in `currency` that live for `ttl` after their last change.
    pub const fn new(ttl: TimeDelta, currency: Currency) -> Self {
        Self { ttl, currency }
    }
}

impl BasketTerms for Terms {
    fn ttl(&self) -> TimeDelta {
        self.ttl
    }

    fn currency(&self) -> Currency {
        self.currency
    }
}
