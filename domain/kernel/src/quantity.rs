//! How many units of a product.

use std::fmt;

use crate::Violation;

/// 1 to 1,000,000 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

impl Quantity {
    /// The most units one line may hold.
    pub const MAX: u32 = 1_000_000;

    /// Checks the range.
    pub fn new(units: i64) -> Result<Self, Violation> {
        match u32::try_from(units) {
            Ok(units @ 1..=Self::MAX) => Ok(Self(units)),
            _ => Err(Violation::new("quantity", "out_of_range", "must be 1 to 1000000")),
        }
    }

    /// The number of units.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The sum, where it is in range.
    pub fn checked_add(self, other: Self) -> Result<Self, Violation> {
        Self::new(i64::from(self.0) + i64::from(other.0))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_in_range() {
        assert_eq!(Quantity::new(1).map(Quantity::get), Ok(1));
        for bad in [0, -1, 1_000_001, i64::MAX] {
            assert!(Quantity::new(bad).is_err(), "{bad}");
        }
        let most = Quantity::new(1_000_000).unwrap();
        assert!(most.checked_add(Quantity::new(1).unwrap()).is_err());
    }
}
