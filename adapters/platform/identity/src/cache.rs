//! Tokens that were verified: a signature costs a hundred times what a look at this does, and clients send the same
//! token with every call.
//!
//! Each shard has two generations. What is asked for moves to the young one; when that is full, the old one is dropped
//! and the young one grows old. So what is used stays, the memory has a bound, and nothing is ever searched through.
//!
//! A token is found by a hash and known by its whole text. The hash is a quick one, with a random seed, and no
//! cryptographic one: who finds another text with the same hash gains nothing by it. The texts differ, so it proves
//! nothing; it gets a place only once the issuer has signed it, and then takes that of the other, which will be verified
//! again. So no tokens of one hash pile up, which would take time to search. And as whole hashes are compared before texts,
//! how long a look takes does not tell how much of a guess was right.
//!
//! The price is that tokens are kept as they are: who can read this memory can read them where they come in, too.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    mem,
    sync::{Mutex, PoisonError},
};

use foldhash::{fast, quality};

use crate::claims::Proven;

const SHARDS: usize = 16;
/// The bound of a generation: 16,384 tokens in all, some 9 MB where they have 300 bytes.
const GENERATION: usize = 512;
/// The bound of their texts, in bytes: 16 MiB in all, however long they are.
const TEXTS: usize = 512 * 1024;

/// What was verified, and with which keys. Tokens are secrets: neither this nor what holds it can be printed.
struct Entry {
    token: Box<str>,
    proven: Proven,
    version: u64,
}

/// Found by the hash of their tokens.
type Entries = HashMap<u64, Entry, fast::RandomState>;

#[derive(Default)]
struct Shard {
    young: Entries,
    /// The bytes of the texts in it.
    texts: usize,
    old: Entries,
}

/// The tokens verified. Shared by all threads, which meet only where their tokens share a shard.
#[derive(Default)]
pub(crate) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    /// All of its bits are alike good: some choose the shard, some the place in it.
    hashes: quality::RandomState,
}

impl Cache {
    /// What that token was found to prove with the keys of that version. Its time may be over: ask it. What other keys
    /// verified does not count, whatever was on its way here when they changed.
    pub(crate) fn get(&self, token: &str, version: u64) -> Option<Proven> {
        let hash = self.hashes.hash_one(token);
        let mut shard = self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner);
        shard.find(hash, token, version)
    }

    pub(crate) fn put(&self, token: &str, version: u64, proven: Proven) {
        let hash = self.hashes.hash_one(token);
        let mut shard = self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner);
        shard.keep(hash, Entry { token: token.into(), proven, version });
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        let [.., byte] = hash.to_le_bytes();
        &self.shards[usize::from(byte) % SHARDS]
    }
}

impl Shard {
    fn find(&mut self, hash: u64, token: &str, version: u64) -> Option<Proven> {
        if let Some(entry) = self.young.get(&hash) {
            return entry.of(token, version);
        }
        let entry = self.old.remove(&hash)?;
        let proven = entry.of(token, version);
        self.keep(hash, entry);
        proven
    }

    fn keep(&mut self, hash: u64, entry: Entry) {
        let length = entry.token.len();
        if self.young.len() >= GENERATION || self.texts + length > TEXTS {
            self.old = mem::take(&mut self.young);
            self.texts = 0;
        }
        self.texts += length;
        if let Some(before) = self.young.insert(hash, entry) {
            self.texts -= before.token.len();
        }
    }
}

impl Entry {
    /// What it proves, if it is of that token and those keys.
    fn of(&self, token: &str, version: u64) -> Option<Proven> {
        (self.version == version && *self.token == *token).then(|| self.proven.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{bearer::MAX_LENGTH, claims::Claims};

    fn proven(user: &str) -> Proven {
        serde_json::from_value::<Claims>(json!({ "sub": user, "exp": 100 })).unwrap().prove(0).unwrap()
    }

    /// How many tokens there are, and how long they are together.
    fn size(cache: &Cache) -> (usize, usize) {
        let shards: Vec<_> = cache.shards.iter().map(|shard| shard.lock().unwrap()).collect();
        let entries = || shards.iter().flat_map(|shard| shard.young.values().chain(shard.old.values()));
        (entries().count(), entries().map(|entry| entry.token.len()).sum())
    }

    #[test]
    fn a_token_is_known_by_all_of_it() {
        let cache = Cache::default();
        cache.put("a.b.c", 1, proven("ada"));
        assert_eq!(cache.get("a.b.c", 1), Some(proven("ada")));
        for other in ["a.b.d", "a.b.", "a.b.cc", ""] {
            assert_eq!(cache.get(other, 1), None, "{other}");
        }
    }

    #[test]
    fn what_other_keys_verified_does_not_count() {
        let cache = Cache::default();
        cache.put("a.b.c", 1, proven("ada"));
        assert_eq!(cache.get("a.b.c", 2), None);
        cache.put("a.b.c", 2, proven("bob"));
        assert_eq!(cache.get("a.b.c", 2), Some(proven("bob")));
    }

    #[test]
    fn a_hash_in_common_proves_nothing() {
        let mut shard = Shard::default();
        let entry = |token: &str, user| Entry { token: token.into(), proven: proven(user), version: 1 };
        shard.keep(7, entry("a.b.c", "ada"));
        assert_eq!(shard.find(7, "a.b.d", 1), None);
        assert_eq!(
            shard.find(7, "a.b.c", 1),
            Some(proven("ada")),
            "who asks for another does not push it out"
        );
        shard.old = mem::take(&mut shard.young);
        assert_eq!(shard.find(7, "a.b.d", 1), None);
        assert_eq!(shard.find(7, "a.b.c", 1), Some(proven("ada")));
        shard.keep(7, entry("a.b.d", "bob"));
        assert_eq!((shard.find(7, "a.b.c", 1), shard.find(7, "a.b.d", 1)), (None, Some(proven("bob"))));
    }

    #[test]
    fn a_million_tokens_fit_within_the_bound_and_what_is_used_stays() {
        let cache = Cache::default();
        cache.put("used", 1, proven("ada"));
        let bob = proven("bob");
        for number in 0..1_000_000_u32 {
            cache.put(&number.to_string(), 1, bob.clone());
            if number % 100 == 0 {
                assert!(cache.get("used", 1).is_some(), "after {number}");
            }
        }
        let (tokens, _) = size(&cache);
        assert!(tokens <= 2 * SHARDS * GENERATION, "{tokens}");
        assert!(tokens >= SHARDS * GENERATION, "{tokens}");
    }

    #[test]
    fn long_tokens_fit_within_the_bound_too() {
        let (cache, bob) = (Cache::default(), proven("bob"));
        for number in 0..10_000_u32 {
            let token = format!("{number:0>MAX_LENGTH$}");
            cache.put(&token, 1, bob.clone());
            assert!(cache.get(&token, 1).is_some());
        }
        let (_, texts) = size(&cache);
        assert!(texts <= 2 * SHARDS * TEXTS, "{texts}");
        assert!(texts >= SHARDS * TEXTS, "{texts}");
    }

    #[test]
    fn what_is_kept_again_is_counted_once() {
        let mut shard = Shard::default();
        for _ in 0..10 * TEXTS / MAX_LENGTH {
            let token = "a".repeat(MAX_LENGTH).into();
            shard.keep(7, Entry { token, proven: proven("ada"), version: 1 });
        }
        assert_eq!((shard.texts, shard.young.len(), shard.old.len()), (MAX_LENGTH, 1, 0));
    }
}
