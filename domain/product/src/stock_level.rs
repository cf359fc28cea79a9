//! How many units there are and how many of them are spoken for.

use std::fmt;

use kernel_domain::{Quantity, Violation};

/// 0 to 1,000,000,000 units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StockQuantity(u32);

impl StockQuantity {
    /// No units.
    pub const NONE: Self = Self(0);
    /// The most units of one product.
    pub const MAX: u32 = 1_000_000_000;

    /// Checks the range.
    pub fn new(units: i64) -> Result<Self, Violation> {
        match u32::try_from(units) {
            Ok(units @ 0..=Self::MAX) => Ok(Self(units)),
            _ => Err(Violation::new("stock_quantity", "out_of_range", "must be 0 to 1000000000")),
        }
    }

    /// The number of units.
    pub const fn get(self) -> u32 {
        self.0
    }

    fn plus(self, units: Quantity) -> Option<Self> {
        self.0.checked_add(units.get()).filter(|sum| *sum <= Self::MAX).map(Self)
    }

    fn minus(self, units: Quantity) -> Option<Self> {
        self.0.checked_sub(units.get()).map(Self)
    }
}

impl fmt::Display for StockQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Units on hand and the part of them that is reserved: always `0 ≤ reserved ≤ on_hand`.
///
/// Every change answers the new level, or `None` where the invariant would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockLevel {
    on_hand: StockQuantity,
    reserved: StockQuantity,
}

impl StockLevel {
    /// `on_hand` units, `reserved` of them spoken for.
    pub fn new(on_hand: StockQuantity, reserved: StockQuantity) -> Option<Self> {
        (reserved <= on_hand).then_some(Self { on_hand, reserved })
    }

    /// `on_hand` units, all of them free.
    pub const fn free(on_hand: StockQuantity) -> Self {
        Self { on_hand, reserved: StockQuantity::NONE }
    }

    /// All units, reserved ones included.
    pub const fn on_hand(self) -> StockQuantity {
        self.on_hand
    }

    /// The units that payments hold.
    pub const fn reserved(self) -> StockQuantity {
        self.reserved
    }

    /// The units that can still be had.
    pub const fn available(self) -> StockQuantity {
        StockQuantity(self.on_hand.0 - self.reserved.0)
    }

    /// Sets units aside; `None` where too few are available.
    pub fn reserve(self, units: Quantity) -> Option<Self> {
        Self::new(self.on_hand, self.reserved.plus(units)?)
    }

    /// Gives reserved units back; `None` where fewer are reserved.
    pub fn release(self, units: Quantity) -> Option<Self> {
        Self::new(self.on_hand, self.reserved.minus(units)?)
    }

    /// Takes reserved units out of the house; `None` where fewer are reserved.
    pub fn take(self, units: Quantity) -> Option<Self> {
        Self::new(self.on_hand.minus(units)?, self.reserved.minus(units)?)
    }

    /// Adds units; `None` beyond the most a product may have.
    pub fn restock(self, units: Quantity) -> Option<Self> {
        Self::new(self.on_hand.plus(units)?, self.reserved)
    }

    /// Counts anew; `None` where fewer units were found than are reserved.
    pub fn recount(self, on_hand: StockQuantity) -> Option<Self> {
        Self::new(on_hand, self.reserved)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(on_hand: i64, reserved: i64) -> StockLevel {
        StockLevel::new(StockQuantity::new(on_hand).unwrap(), StockQuantity::new(reserved).unwrap()).unwrap()
    }

    fn units(units: i64) -> Quantity {
        Quantity::new(units).unwrap()
    }

    #[test]
    fn reserves_only_what_is_available() {
        assert_eq!(level(5, 3).reserve(units(2)), Some(level(5, 5)));
        assert_eq!(level(5, 3).reserve(units(3)), None);
    }

    #[test]
    fn takes_and_releases_only_what_is_reserved() {
        assert_eq!(level(5, 3).take(units(3)), Some(level(2, 0)));
        assert_eq!(level(5, 3).take(units(4)), None);
        assert_eq!(level(5, 3).release(units(3)), Some(level(5, 0)));
        assert_eq!(level(5, 3).release(units(4)), None);
    }

    #[test]
    fn stays_within_the_limits() {
        assert_eq!(level(1_000_000_000, 0).restock(units(1)), None);
        assert_eq!(level(5, 3).recount(StockQuantity::new(2).unwrap()), None);
        assert!(StockQuantity::new(1_000_000_001).is_err());
        assert!(StockQuantity::new(-1).is_err());
        assert_eq!(StockLevel::new(StockQuantity::NONE, StockQuantity::new(1).unwrap()), None);
    }

    proptest! {
        #[test]
        fn a_reservation_ends_by_release_or_by_take(on_hand in 0_i64..2_000_000, q in 1_i64..1_000_000) {
            let before = level(on_hand, 0);
            match before.reserve(units(q)) {
                None => prop_assert!(q > on_hand),
                Some(held) => {
                    prop_assert_eq!(i64::from(held.available().get()), on_hand - q);
                    prop_assert_eq!(held.release(units(q)), Some(before));
                    prop_assert_eq!(held.take(units(q)), Some(level(on_hand - q, 0)));
                }
            }
        }
    }
}
