//! How many requests a client may send.
//!
//! [`Quota`] is the algorithm, [`Limiter`] applies it to many clients in one process. A shared store does the same with
//! [`Quota::decide`] in a script of its own; the limiter is what remains when that store is away, which [`Fallback`] knows.

mod fallback;
mod key;
mod quota;
mod table;

use std::hash::BuildHasher;

pub use fallback::{Asking, Fallback, Mode, Trouble};
pub use key::{LimitKey, LimitedClient, RouteClass};
pub use quota::{Decision, Quota, header_seconds};
use table::ArrivalTable;

use crate::Moment;

/// Limits the clients of one process, in memory that never grows.
///
/// Clients are told apart by 64 bits of a hash: `hasher` MUST be seeded with something that clients do not know, or they
/// choose with whom they collide. A client that is forgotten because too many others came has its burst again: the limit
/// errs on the side of letting through.
#[derive(Debug)]
pub struct Limiter<S> {
    quotas: Vec<Quota>,
    table: ArrivalTable,
    hasher: S,
}

impl<S: BuildHasher> Limiter<S> {
    /// One quota for each class of routes, and room for `clients`, less than 19 bytes each. With twice the room that is
    /// needed, about one in a hundred is forgotten early.
    pub fn new(quotas: Vec<Quota>, clients: usize, hasher: S) -> Self {
        Self { quotas, table: ArrivalTable::new(clients), hasher }
    }

    /// Decides on a request, and counts it if it is allowed; `None` where its class has no quota.
    pub fn check(&self, key: &LimitKey<'_>, now: Moment) -> Option<Decision> {
        let quota = self.quotas.get(usize::from(key.class.0))?;
        Some(self.check_under(quota, 0, key, now))
    }

    /// Decides under a quota of the caller's, which may change. What was counted under another `epoch` does not count: a
    /// client that the old quota has refused is not held to it any longer.
    pub fn check_under(&self, quota: &Quota, epoch: u64, key: &LimitKey<'_>, now: Moment) -> Decision {
        let hash = self.hasher.hash_one((epoch, key));
        self.table.with(hash, now, |arrival| quota.decide(arrival, now))
    }

    /// The most clients that are remembered.
    pub fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// The clients that are remembered now. Looks at all of them: for an operator, not for each request.
    pub fn clients(&self, now: Moment) -> usize {
        self.table.len(now)
    }

    /// The bytes that it takes, however many clients there are.
    pub fn memory(&self) -> usize {
        self.table.memory()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        hash::{BuildHasherDefault, DefaultHasher},
        net::Ipv4Addr,
        num::NonZeroU32,
        time::Duration,
    };

    use super::*;

    const NOW: Moment = Moment::from_nanos(1_000_000_000);

    fn limiter(clients: usize) -> Limiter<BuildHasherDefault<DefaultHasher>> {
        let quota = |requests, burst| {
            let number = |number| NonZeroU32::new(number).unwrap();
            Quota::new(number(requests), Duration::from_mins(1), number(burst)).unwrap()
        };
        Limiter::new(vec![quota(100, 10), quota(6, 1)], clients, BuildHasherDefault::default())
    }

    fn key(client: u32, class: u8) -> LimitKey<'static> {
        LimitKey { client: LimitedClient::at(Ipv4Addr::from_bits(client).into()), class: RouteClass(class) }
    }

    #[test]
    fn clients_and_classes_are_counted_apart() {
        let limiter = limiter(1_000);
        let allowed =
            |key: &LimitKey<'_>| (0..20).filter(|_| limiter.check(key, NOW).unwrap().is_allowed()).count();
        assert_eq!((allowed(&key(1, 0)), allowed(&key(1, 1)), allowed(&key(2, 0))), (10, 1, 10));
        let subject = LimitKey { client: LimitedClient::Subject("ada"), class: RouteClass(0) };
        assert_eq!(allowed(&subject), 10);
        assert_eq!(limiter.check(&key(1, 2), NOW), None);
    }

    #[test]
    fn another_epoch_starts_anew() {
        let limiter = limiter(1_000);
        let number = |number| NonZeroU32::new(number).unwrap();
        let hourly = Quota::new(number(1), Duration::from_hours(1), number(1)).unwrap();
        let allowed = |epoch| limiter.check_under(&hourly, epoch, &key(1, 0), NOW).is_allowed();
        assert_eq!(
            [allowed(1), allowed(1), allowed(2), allowed(2), allowed(1)],
            [true, false, true, false, false]
        );
    }

    #[test]
    fn a_million_clients_fit_into_a_known_size() {
        const CLIENTS: u32 = 1_000_000;
        let limiter = limiter(2 * CLIENTS as usize);
        assert!(limiter.memory() < 19 * limiter.capacity() && limiter.memory() < 37_000_000);
        for client in 0..CLIENTS {
            assert!(limiter.check(&key(client, 1), NOW).unwrap().is_allowed());
        }
        let remembered = limiter.clients(NOW);
        assert!(remembered > 980_000, "{remembered}");
        // Who is forgotten comes back at the cost of another one in its set.
        let allowed_again =
            (0..CLIENTS).filter(|client| limiter.check(&key(*client, 1), NOW).unwrap().is_allowed()).count();
        assert!(allowed_again < 100_000, "{allowed_again}");
        let later = NOW.plus(Duration::from_secs(10));
        assert_eq!(limiter.clients(later), 0, "all are forgotten when their time has passed");
    }

    #[test]
    fn more_clients_than_places_change_neither_size_nor_the_sternest() {
        let limiter = limiter(10_000);
        let memory = limiter.memory();
        let stern = key(u32::MAX, 0);
        for _ in 0..10 {
            assert!(limiter.check(&stern, NOW).unwrap().is_allowed());
        }
        for client in 0..1_000_000 {
            limiter.check(&key(client, 0), NOW).unwrap();
        }
        assert_eq!(limiter.memory(), memory);
        assert!(limiter.clients(NOW) <= limiter.capacity());
        // It has used up its whole burst, so its time passes last and it is never the one to be forgotten.
        assert!(!limiter.check(&stern, NOW).unwrap().is_allowed());
    }

    #[test]
    fn threads_share_one_quota() {
        let limiter = limiter(1_000);
        let allowed: usize = std::thread::scope(|scope| {
            let count = || (0..50).filter(|_| limiter.check(&key(1, 0), NOW).unwrap().is_allowed()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(allowed, 10);
    }
}
