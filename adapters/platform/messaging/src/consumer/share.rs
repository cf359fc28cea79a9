//! The rule by which replicas share partitions: nobody hands them out, each keeps to its fair share.
//!
//! A replica knows how many partitions there are, how many replicas live (its own heartbeat says so), and how many
//! partitions it holds. One with too many gives them up one at a time, so that most go on while one changes hands; one
//! with too few takes what is free. The leases see to it that a partition has one reader, so a wrong count (a
//! replica that came or went a moment ago) costs a turn and no more.

/// What a replica should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Give one partition up.
    GiveUpOne,
    /// Take as many as are free, up to this number.
    Take(u32),
    /// Nothing: it has its share.
    Stay,
}

/// The next step of a replica that holds `held` of `partitions` and is one of `live`.
pub(super) const fn next_step(partitions: u32, live: u32, held: u32) -> Step {
    let share = if live == 0 { partitions } else { partitions.div_ceil(live) };
    if held > share {
        Step::GiveUpOne
    } else if held < share {
        Step::Take(share - held)
    } else {
        Step::Stay
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_is_rounded_up() {
        assert_eq!(next_step(12, 1, 0), Step::Take(12));
        assert_eq!(next_step(12, 2, 12), Step::GiveUpOne);
        assert_eq!(next_step(12, 2, 6), Step::Stay);
        assert_eq!(next_step(12, 5, 2), Step::Take(1));
        assert_eq!(next_step(1, 3, 1), Step::Stay);
        assert_eq!(next_step(0, 3, 0), Step::Stay);
    }

    /// What happens to the replicas of a consumer.
    #[derive(Clone, Copy, Debug)]
    enum Happening {
        Starts,
        Stops(usize),
        IsKilled(usize),
        /// Replica number so looks at its share.
        Looks(usize),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            1 => Just(Happening::Starts),
            1 => any::<usize>().prop_map(Happening::Stops),
            1 => any::<usize>().prop_map(Happening::IsKilled),
            9 => any::<usize>().prop_map(Happening::Looks),
        ]
    }

    /// Replicas and who holds which partition. A killed one's partitions and its place among the living stay until
    /// its leases are over, which here is when the world becomes quiet.
    #[derive(Default)]
    struct World {
        partitions: u32,
        alive: Vec<u32>,
        counted: Vec<u32>,
        holders: BTreeMap<u32, u32>,
        born: u32,
        moves: u32,
    }

    impl World {
        fn held(&self, replica: u32) -> u32 {
            u32::try_from(self.holders.values().filter(|holder| **holder == replica).count()).unwrap()
        }

        fn looks(&mut self, replica: u32) {
            let live = u32::try_from(self.counted.len()).unwrap();
            match next_step(self.partitions, live, self.held(replica)) {
                Step::GiveUpOne => {
                    let given_up = self.holders.iter().find(|(_, holder)| **holder == replica);
                    let given_up = *given_up.unwrap().0;
                    self.holders.remove(&given_up);
                    self.moves += 1;
                }
                Step::Take(count) => {
                    let free = (0..self.partitions).filter(|partition| !self.holders.contains_key(partition));
                    for partition in free.take(count as usize).collect::<Vec<_>>() {
                        self.holders.insert(partition, replica);
                    }
                }
                Step::Stay => {}
            }
        }

        fn happens(&mut self, happening: Happening) {
            let chosen = |n: usize| self.alive.get(n.checked_rem(self.alive.len()).unwrap_or(0)).copied();
            match happening {
                Happening::Starts => {
                    self.alive.push(self.born);
                    self.counted.push(self.born);
                    self.born += 1;
                }
                Happening::Stops(n) => {
                    if let Some(replica) = chosen(n) {
                        self.alive.retain(|other| *other != replica);
                        self.counted.retain(|other| *other != replica);
                        self.holders.retain(|_, holder| *holder != replica);
                    }
                }
                Happening::IsKilled(n) => {
                    if let Some(replica) = chosen(n) {
                        self.alive.retain(|other| *other != replica);
                    }
                }
                Happening::Looks(n) => {
                    if let Some(replica) = chosen(n) {
                        self.looks(replica);
                    }
                }
            }
        }

        fn becomes_quiet(&mut self) {
            self.counted.clone_from(&self.alive);
            self.holders.retain(|_, holder| self.alive.contains(holder));
            self.moves = 0;
            for _ in 0..self.partitions + 2 {
                for replica in self.alive.clone() {
                    self.looks(replica);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_happened_every_partition_ends_in_fair_hands(
            partitions in 0..40_u32,
            happenings in proptest::collection::vec(happening(), 0..80),
        ) {
            let mut world = World { partitions, ..World::default() };
            world.happens(Happening::Starts);
            for each in happenings {
                world.happens(each);
            }
            world.happens(Happening::Starts);
            world.becomes_quiet();
            let live = u32::try_from(world.alive.len()).unwrap();
            let share = partitions.div_ceil(live);
            prop_assert_eq!(u32::try_from(world.holders.len()).unwrap(), partitions, "all are read");
            prop_assert!(world.alive.iter().all(|replica| world.held(*replica) <= share));
            prop_assert!(world.moves <= partitions, "none changes hands twice");
            let settled = world.holders.clone();
            for replica in world.alive.clone() {
                world.looks(replica);
            }
            prop_assert_eq!(world.holders, settled, "and then they stay");
        }
    }
}
