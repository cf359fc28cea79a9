//! Requests that a client takes back while they are worked on.
//!
//! Each of them makes room for the next one at once, so the limit on streams does not hold who does nothing else.

use std::cell::Cell;

use super::{STREAMS, exchange::End};

/// So many more taken back than answered are an attack. A client may change its mind about all that it has asked for.
const MOST: u32 = 2 * STREAMS;

/// Those of one connection. Each answer makes good for one.
#[derive(Default)]
pub(super) struct Recalls(Cell<u32>);

impl Recalls {
    pub(super) fn note(&self, end: End) {
        let before = self.0.get();
        self.0.set(match end {
            End::Answered => before.saturating_sub(1),
            End::TakenBack => before.saturating_add(1),
        });
    }

    pub(super) fn are_too_many(&self) -> bool {
        self.0.get() > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_make_good_for_what_was_taken_back() {
        let recalls = Recalls::default();
        for _ in 0..10 * MOST {
            recalls.note(End::TakenBack);
            recalls.note(End::Answered);
        }
        assert!(!recalls.are_too_many());
        for _ in 0..=MOST {
            assert!(!recalls.are_too_many());
            recalls.note(End::TakenBack);
        }
        assert!(recalls.are_too_many());
    }
}
