//! The names of keys, and which of them share a slot.
//!
//! A cluster puts a key into the slot of what stands between its first `{` and the next `}`, and a script may touch
//! one slot only. All names begin with such a tag, so that nothing behind it, be it a brace, changes the slot:
//!
//! | Key | Slot |
//! |---|---|
//! | `{shop:b:17}:basket:ada` | data of bucket 17 |
//! | `{shop:b:17}:cursor`, `…:inbox` | what of the log bucket 17 has, beside the data it guards |
//! | `{shop:basket:messaging}:…` | positions, members, outbox and lease of a context |

use kernel_application::messaging::Delivery;
use kernel_domain::EventId;
use sha2::{Digest, Sha256};

/// How many buckets the data of a context is spread over. Fixed for good: another number would look elsewhere.
pub const BUCKETS: u16 = 256;

/// One of [`BUCKETS`]: keys of one bucket share a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u8);

impl Bucket {
    /// The bucket of everything that belongs to `owner`, such as a user.
    pub fn of(owner: &str) -> Self {
        Self(Sha256::digest(owner.as_bytes())[0])
    }

    /// All buckets.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..=u8::MAX).map(Self).collect::<Vec<_>>().into_iter()
    }

    pub(crate) const fn number(self) -> u8 {
        self.0
    }

    pub(crate) const fn from_number(number: u8) -> Self {
        Self(number)
    }
}

/// Makes names.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: String,
    context: &'static str,
}

impl Keys {
    pub(crate) const fn new(prefix: String, context: &'static str) -> Self {
        Self { prefix, context }
    }

    /// A key of a bucket.
    pub(crate) fn bucket(&self, Bucket(number): Bucket, name: &str) -> String {
        format!("{{{}:b:{number}}}:{name}", self.prefix)
    }

    /// A key of the context's messaging.
    pub(crate) fn messaging(&self, name: &str) -> String {
        format!("{{{}:{}:messaging}}:{name}", self.prefix, self.context)
    }
}

/// A partition as a consumer sees it, as part of a name.
pub(crate) fn place(consumer: &str, topic: &str, partition: u32) -> String {
    format!("{consumer}|{topic}|{partition}")
}

/// [`place`] of a delivery.
pub(crate) fn place_of(delivery: &Delivery) -> String {
    place(&delivery.consumer, &delivery.topic, delivery.partition)
}

/// An event as the memory of a consumer names it; empty where there is none to remember.
pub(crate) fn member(consumer: &str, event: Option<EventId>) -> String {
    event.map_or_else(String::new, |event| format!("{consumer}|{event}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fred::util::redis_keyslot;

    use super::*;

    fn slot(key: &str) -> u16 {
        redis_keyslot(key.as_bytes())
    }

    #[test]
    fn nothing_behind_the_tag_changes_the_slot() {
        let keys = Keys::new("shop".to_owned(), "basket");
        let bucket = Bucket::of("ada");
        let home = slot(&keys.bucket(bucket, "cursor"));
        for user in ["ada", "{x}", "}{", "{}", "a{b}c", "}", "{"] {
            assert_eq!(slot(&keys.bucket(bucket, &format!("basket:{user}"))), home, "{user}");
        }
        assert_eq!(slot(&keys.messaging("outbox:{x}")), slot(&keys.messaging("relay")));
    }

    #[test]
    fn buckets_are_used_evenly_and_spread_over_slots() {
        let mut users = [0_u32; BUCKETS as usize];
        for user in 0..25_600 {
            users[usize::from(Bucket::of(&format!("user-{user}")).number())] += 1;
        }
        assert!(users.iter().all(|count| (40..=180).contains(count)), "{users:?}");
        let keys = Keys::new("shop".to_owned(), "basket");
        let slots: BTreeSet<_> = Bucket::all().map(|bucket| slot(&keys.bucket(bucket, ""))).collect();
        assert!(slots.len() > 250 && slots.first() < Some(&500) && slots.last() > Some(&15_800));
    }
}
