//! Many numbers in bounded memory.
//!
//! The table is a fixed array of small sets, as in a processor's cache: the hash of a key says the set, and within it
//! the key takes any place. Each set has a lock of its own, held for a look at its places, so that threads meet only
//! where their clients do. All memory is taken at the start, 128 bytes for seven places, and none later.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Moment;

/// The places of a set: as many as fit into two cache lines beside the lock.
const WAYS: usize = 7;

/// Keys, as 64 bits of hash, with their arrival times.
#[derive(Debug)]
pub(super) struct ArrivalTable {
    sets: Box<[Shard]>,
}

/// The lock and the tags fill the first line, so that a look for a stranger reads one only.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard(Mutex<Set>);

impl Shard {
    /// A thread that panicked while it held the lock left whole numbers behind.
    fn lock(&self) -> MutexGuard<'_, Set> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Set {
    tags: [u64; WAYS],
    arrivals: [Moment; WAYS],
}

impl ArrivalTable {
    /// Room for `clients` keys at least.
    pub(super) fn new(clients: usize) -> Self {
        let sets = clients.div_ceil(WAYS).max(1);
        Self { sets: (0..sets).map(|_| Shard::default()).collect() }
    }

    /// Lets `decide` see and change the arrival time of a key. One that is over is forgotten, as if it had never been.
    pub(super) fn with<T>(&self, hash: u64, now: Moment, decide: impl FnOnce(&mut Moment) -> T) -> T {
        // 0 marks nothing: a free place is one whose time has passed.
        let mut set = self.sets[self.index(hash)].lock();
        let place = set.find(hash, now).unwrap_or_else(|| set.free());
        let known = set.tags[place] == hash && set.arrivals[place] > now;
        let mut arrival = if known { set.arrivals[place] } else { Moment::START };
        let answer = decide(&mut arrival);
        // A decision that leaves nothing to remember takes nobody's place.
        if arrival > now {
            (set.tags[place], set.arrivals[place]) = (hash, arrival);
        }
        answer
    }

    /// The number of places.
    pub(super) fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// The keys that are remembered; looks at all of them.
    pub(super) fn len(&self, now: Moment) -> usize {
        let live = |shard: &Shard| shard.lock().arrivals.iter().filter(|arrival| **arrival > now).count();
        self.sets.iter().map(live).sum()
    }

    /// The bytes it takes.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.sets)
    }

    fn index(&self, hash: u64) -> usize {
        let scaled = (u128::from(hash) * self.sets.len() as u128) >> u64::BITS;
        usize::try_from(scaled).unwrap_or_default()
    }
}

impl Set {
    fn find(&self, hash: u64, now: Moment) -> Option<usize> {
        let is_it = |place: &usize| self.tags[*place] == hash && self.arrivals[*place] > now;
        (0..WAYS).find(is_it)
    }

    /// The place whose time passes first. If it has passed, the place is free; if not, its client loses the least.
    fn free(&self) -> usize {
        (0..WAYS).min_by_key(|place| self.arrivals[*place]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn at(nanos: u64) -> Moment {
        Moment::from_nanos(nanos)
    }

    fn put(table: &ArrivalTable, hash: u64, arrival: u64) {
        table.with(hash, at(0), |known| *known = at(arrival));
    }

    fn get(table: &ArrivalTable, hash: u64, now: u64) -> Moment {
        table.with(hash, at(now), |known| *known)
    }

    #[test]
    fn a_set_fills_two_lines() {
        assert_eq!(size_of::<Shard>(), 128);
    }

    #[test]
    fn a_full_set_forgets_who_is_nearest_to_its_time() {
        let table = ArrivalTable::new(7);
        assert_eq!((table.capacity(), table.len(at(0))), (7, 0));
        (1..=7).for_each(|hash| put(&table, hash, 100 - hash));
        put(&table, 9, 200);
        assert_eq!(get(&table, 7, 0), Moment::START);
        assert_eq!((get(&table, 6, 0), get(&table, 9, 0)), (at(94), at(200)));
        assert_eq!(table.len(at(0)), 7);
    }

    #[test]
    fn what_is_over_makes_room() {
        let table = ArrivalTable::new(7);
        (1..=7).for_each(|hash| put(&table, hash, 10 * hash));
        assert_eq!((get(&table, 3, 30), table.len(at(30))), (Moment::START, 4));
        table.with(9, at(30), |known| *known = at(500));
        assert_eq!((table.len(at(30)), get(&table, 4, 30)), (5, at(40)));
    }

    #[test]
    fn asking_takes_nobodys_place() {
        let table = ArrivalTable::new(7);
        (1..=7).for_each(|hash| put(&table, hash, 100));
        assert_eq!(get(&table, 9, 0), Moment::START);
        assert!((1..=7).all(|hash| get(&table, hash, 0) == at(100)));
    }

    proptest! {
        #[test]
        fn with_room_enough_it_is_a_map(steps in vec((1_u64..8, 1_u64..50, 0_u64..20), 1..200)) {
            let table = ArrivalTable::new(7);
            let mut map: HashMap<u64, u64> = HashMap::new();
            let mut now = 0;
            for (hash, ahead, step) in steps {
                now += step;
                let known = map.get(&hash).copied().filter(|arrival| *arrival > now).unwrap_or_default();
                let next = now + ahead;
                table.with(hash, at(now), |arrival| {
                    assert_eq!(arrival.as_nanos(), known);
                    *arrival = at(next);
                });
                map.insert(hash, next);
                prop_assert_eq!(table.len(at(now)), map.values().filter(|arrival| **arrival > now).count());
            }
        }
    }
}
