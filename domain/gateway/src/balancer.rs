//! Which backend takes the next request.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Backend;

/// Chooses among the backends of one service; shared by all requests.
pub trait Balancer: Send + Sync {
    /// The index of the chosen backend; `None` only where there is none to choose.
    fn pick(&self, backends: &[Backend]) -> Option<usize>;
}

/// One after the other, weights aside.
#[derive(Debug, Default)]
pub struct RoundRobin(AtomicUsize);

impl Balancer for RoundRobin {
    fn pick(&self, backends: &[Backend]) -> Option<usize> {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        turn.checked_rem(backends.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_backends;

    #[test]
    fn each_backend_takes_its_turn() {
        let backends = parse_backends("http://a,http://b,http://c").unwrap();
        let balancer = RoundRobin::default();
        let picks: Vec<_> = (0..6).filter_map(|_| balancer.pick(&backends)).collect();
        assert_eq!(picks, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn nothing_is_picked_from_nothing() {
        assert_eq!(RoundRobin::default().pick(&[]), None);
    }

    #[test]
    fn turns_are_fair_under_concurrent_use() {
        let backends = parse_backends("http://a,http://b").unwrap();
        let balancer = RoundRobin::default();
        let counts = [AtomicUsize::new(0), AtomicUsize::new(0)];
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_500 {
                        let index = balancer.pick(&backends).unwrap();
                        counts[index].fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(counts.map(AtomicUsize::into_inner), [5_000, 5_000]);
    }
}
