//! What the shop has decided, handed in by bootstrap from the configuration.

use kernel_domain::Currency;
use shaku::Component;

use crate::ports::Shop;

/// Decisions that hold as long as the process runs.
#[derive(Component)]
#[shaku(interface = Shop)]
pub struct ShopSettings {
    /// The one currency of all prices.
    currency: Currency,
}

impl ShopSettings {
    /// A shop whose prices are all in `currency`.
    pub const fn new(currency: Currency) -> Self {
        Self { currency }
    }
}

impl Shop for ShopSettings {
    fn currency(&self) -> Currency {
        self.currency
    }
}
