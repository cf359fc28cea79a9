//! Deciding anew when another writer was faster.

use kernel_application::StoreError;

use crate::BasketError;

/// Counts the conflicts of one command. Commands whose decision is safe to repeat load and decide again; after
/// [`Attempts::MAX`] the caller learns of the conflict.
#[derive(Debug, Default)]
pub(crate) struct Attempts(u32);

impl Attempts {
    const MAX: u32 = 20;

    /// Whether `error` is a conflict that another attempt may get past.
    pub(crate) fn again(&mut self, error: &BasketError) -> bool {
        self.0 += 1;
        self.0 < Self::MAX && matches!(error, BasketError::Store(StoreError::Conflict(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_conflicts_are_worth_another_attempt_and_not_for_ever() {
        let conflict = BasketError::Store(StoreError::Conflict("basket"));
        let mut attempts = Attempts::default();
        assert_eq!((0..100).take_while(|_| attempts.again(&conflict)).count(), 19);
        assert!(!Attempts::default().again(&BasketError::Store(StoreError::Fenced)));
    }
}
