//! Tokens that were verified: a signature costs a hundred times what a look at this does, and clients send the same
//! token with every call.
//!
//! Each shard has two generations. What is asked for moves to the young one; when that is full, the old one is dropped
//! and the young one grows old. So what is used stays, the memory has a bound, and nothing is ever searched through.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use ring::digest::{self, SHA256, SHA256_OUTPUT_LEN};

use crate::claims::Proven;

const SHARDS: usize = 16;
/// The bound of a generation: 16,384 tokens in all, some 4 MB.
const GENERATION: usize = 512;

/// Stands for a token, so that no token is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; SHA256_OUTPUT_LEN]);

/// What was verified, and with which keys.
#[derive(Clone)]
struct Entry {
    proven: Proven,
    version: u64,
}

#[derive(Default)]
struct Shard {
    young: HashMap<Fingerprint, Entry>,
    old: HashMap<Fingerprint, Entry>,
}

/// The tokens verified. Shared by all threads, which meet only where their tokens share a shard.
#[derive(Default)]
pub(crate) struct Cache([Mutex<Shard>; SHARDS]);

impl Fingerprint {
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest::digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl Cache {
    /// What that token was found to prove with the keys of that version. Its time may be over: ask it. What other keys
    /// verified does not count, whatever was on its way here when they changed.
    pub(crate) fn get(&self, token: &Fingerprint, version: u64) -> Option<Proven> {
        let mut shard = self.shard(token).lock().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.find(token)?;
        (entry.version == version).then_some(entry.proven)
    }

    pub(crate) fn put(&self, token: Fingerprint, version: u64, proven: Proven) {
        let mut shard = self.shard(&token).lock().unwrap_or_else(PoisonError::into_inner);
        shard.keep(token, Entry { proven, version });
    }

    fn shard(&self, token: &Fingerprint) -> &Mutex<Shard> {
        &self.0[usize::from(token.0[0]) % SHARDS]
    }
}

impl Shard {
    fn find(&mut self, token: &Fingerprint) -> Option<Entry> {
        if let Some(entry) = self.young.get(token) {
            return Some(entry.clone());
        }
        let entry = self.old.remove(token)?;
        self.keep(*token, entry.clone());
        Some(entry)
    }

    fn keep(&mut self, token: Fingerprint, entry: Entry) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(token, entry);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::claims::Claims;

    fn proven(user: &str) -> Proven {
        serde_json::from_value::<Claims>(json!({ "sub": user, "exp": 100 })).unwrap().prove(0).unwrap()
    }

    fn len(cache: &Cache) -> usize {
        cache
            .0
            .iter()
            .map(|shard| shard.lock().unwrap())
            .map(|shard| shard.young.len() + shard.old.len())
            .sum()
    }

    #[test]
    fn a_token_is_known_by_all_of_it() {
        let cache = Cache::default();
        cache.put(Fingerprint::of("a.b.c"), 1, proven("ada"));
        assert_eq!(cache.get(&Fingerprint::of("a.b.c"), 1), Some(proven("ada")));
        for other in ["a.b.d", "a.b.", "a.b.cc", ""] {
            assert_eq!(cache.get(&Fingerprint::of(other), 1), None, "{other}");
        }
    }

    #[test]
    fn what_other_keys_verified_does_not_count() {
        let cache = Cache::default();
        cache.put(Fingerprint::of("a.b.c"), 1, proven("ada"));
        assert_eq!(cache.get(&Fingerprint::of("a.b.c"), 2), None);
    }

    #[test]
    fn a_million_tokens_fit_within_the_bound_and_what_is_used_stays() {
        let (cache, used) = (Cache::default(), Fingerprint::of("used"));
        cache.put(used, 1, proven("ada"));
        let bob = proven("bob");
        for number in 0..1_000_000_u32 {
            let mut bytes = [0; SHA256_OUTPUT_LEN];
            bytes[..4].copy_from_slice(&number.to_le_bytes());
            cache.put(Fingerprint(bytes), 1, bob.clone());
            if number % 100 == 0 {
                assert!(cache.get(&used, 1).is_some(), "after {number}");
            }
        }
        assert!(len(&cache) <= 2 * SHARDS * GENERATION, "{}", len(&cache));
    }
}
