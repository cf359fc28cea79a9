//! A part of a whole.

use kernel_domain::Violation;

/// 0 to 100 percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u8);

impl Share {
    /// One half.
    pub const HALF: Self = Self(50);
    /// One fifth.
    pub const FIFTH: Self = Self(20);

    /// Checks the range.
    pub fn new(percent: u8) -> Result<Self, Violation> {
        match percent {
            0..=100 => Ok(Self(percent)),
            _ => Err(Violation::new("share", "out_of_range", "must be 0 to 100 percent")),
        }
    }

    /// The percentage.
    pub const fn percent(self) -> u8 {
        self.0
    }

    /// As many of `whole` as the share allows, rounded down.
    pub fn of(self, whole: u64) -> u64 {
        let part = u128::from(whole) * u128::from(self.0) / 100;
        u64::try_from(part).unwrap_or(u64::MAX)
    }

    /// Whether `part` of `whole` is the share or more.
    pub fn is_reached(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 100 >= u128::from(whole) * u128::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_rounded_down() {
        assert_eq!((Share::HALF.of(3), Share::HALF.of(1), Share::FIFTH.of(10)), (1, 0, 2));
        assert_eq!(Share::new(100).unwrap().of(u64::MAX), u64::MAX);
        assert!(Share::new(101).is_err());
    }

    #[test]
    fn a_share_is_reached_exactly() {
        assert!(Share::HALF.is_reached(5, 10) && !Share::HALF.is_reached(4, 10));
        assert!(!Share::FIFTH.is_reached(u64::MAX / 6, u64::MAX));
    }
}
