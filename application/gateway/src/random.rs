//! Random numbers for choices among backends and for pauses: quick, without a lock, not for secrets.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0_u64));
}

/// Any number, evenly distributed over all 64 bits (`SplitMix64`, seeded by the operating system for each thread).
pub(crate) fn next() -> u64 {
    let mut word = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(word);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Any part of `most`.
pub(crate) fn up_to(most: Duration) -> Duration {
    let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    let part = (u128::from(next()) * u128::from(most)) >> u64::BITS;
    Duration::from_nanos(u64::try_from(part).unwrap_or(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_and_stay_below_the_most() {
        let most = Duration::from_millis(100);
        let pauses: std::collections::BTreeSet<_> = (0..1_000).map(|_| up_to(most)).collect();
        assert!(pauses.len() > 900 && pauses.iter().all(|pause| *pause < most));
        assert!(pauses.first().is_some_and(|least| *least < most / 10));
        assert!(pauses.last().is_some_and(|greatest| *greatest > most / 10 * 9));
    }
}
