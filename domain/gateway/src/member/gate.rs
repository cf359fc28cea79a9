//! How many requests a backend has at once, and how many may wait for it.
//!
//! Pure admission: who waits, and how it is woken, is the caller's. Every place, taken or waited for, belongs to one
//! request, which gives it back itself; a bell that rings for nobody therefore loses nothing.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{
            AtomicU32, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
};

/// The most requests of one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Under way at once.
    pub in_flight: u32,
    /// Waiting to be.
    pub waiting: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 1_024, waiting: 256 }
    }
}

/// Hears that a request that waits may try again.
pub trait Bell: Send + Sync {
    /// MUST wake one of those that wait, or the next one that begins to. Called from any thread; MUST NOT block.
    fn ring(&self);
}

/// For callers where nobody ever waits: with [`Limits::waiting`] at 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBell;

impl Bell for NoBell {
    fn ring(&self) {}
}

/// Answer to a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may go on.
    Admitted,
    /// It has to wait for its turn.
    Queued,
    /// There is no room, not even to wait.
    Shed,
}

/// Counts the places.
pub struct Gate {
    /// Both counts in one word, so that they change together; in one order with [`Member::bar`](super::Member::bar).
    counts: AtomicU64,
    in_flight: AtomicU32,
    waiting: AtomicU32,
    bell: Arc<dyn Bell>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("counts", &self.counts())
            .field("limits", &self.limits())
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// An empty gate.
    pub fn new(limits: Limits, bell: Arc<dyn Bell>) -> Self {
        let (in_flight, waiting) = (AtomicU32::new(limits.in_flight), AtomicU32::new(limits.waiting));
        Self { counts: AtomicU64::new(0), in_flight, waiting, bell }
    }

    /// Takes a place, or one in the queue. Those that wait go first.
    pub fn arrive(&self) -> Admission {
        let limits = self.limits();
        let mut admission = Admission::Shed;
        self.update(|counts| {
            let (next, answer) = counts.arrive(limits);
            admission = answer;
            next
        });
        admission
    }

    /// Whether a request would be admitted now.
    pub fn has_room(&self) -> bool {
        self.counts().arrive(self.limits()).1 == Admission::Admitted
    }

    /// Moves a waiting request in, where there is room; otherwise it goes on waiting.
    pub fn enter(&self) -> bool {
        let most = self.limits().in_flight;
        let entered = self.update(|Counts { in_flight, waiting }| {
            (in_flight < most)
                .then_some(Counts { in_flight: in_flight + 1, waiting: waiting.saturating_sub(1) })
        });
        // Several places may have become free while one bell was heard.
        if entered {
            self.pass_on();
        }
        entered
    }

    /// A request that waited gives up.
    pub fn abandon(&self) {
        self.update(|counts| Some(Counts { waiting: counts.waiting.saturating_sub(1), ..counts }));
        // The bell may have rung for this request.
        self.pass_on();
    }

    /// A request under way has ended.
    pub fn leave(&self) {
        self.update(|counts| Some(Counts { in_flight: counts.in_flight.saturating_sub(1), ..counts }));
        self.pass_on();
    }

    /// The requests under way and waiting.
    pub fn counts(&self) -> Counts {
        Counts::unpack(self.counts.load(SeqCst))
    }

    /// The current limits.
    pub fn limits(&self) -> Limits {
        Limits { in_flight: self.in_flight.load(Relaxed), waiting: self.waiting.load(Relaxed) }
    }

    /// Changes the limits; requests that were admitted under the old ones stay.
    pub fn set_limits(&self, limits: Limits) {
        self.in_flight.store(limits.in_flight, Relaxed);
        self.waiting.store(limits.waiting, Relaxed);
        self.pass_on();
    }

    /// Rings where somebody waits and there is room.
    fn pass_on(&self) {
        let Counts { in_flight, waiting } = self.counts();
        if waiting > 0 && in_flight < self.limits().in_flight {
            self.bell.ring();
        }
    }

    fn update(&self, mut change: impl FnMut(Counts) -> Option<Counts>) -> bool {
        let apply = |word| change(Counts::unpack(word)).map(Counts::pack);
        self.counts.fetch_update(SeqCst, SeqCst, apply).is_ok()
    }
}

/// The requests of one backend at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Under way.
    pub in_flight: u32,
    /// Waiting to be.
    pub waiting: u32,
}

impl Counts {
    /// Both together: the load that a balancer compares.
    pub const fn load(self) -> u64 {
        self.in_flight as u64 + self.waiting as u64
    }

    const fn arrive(self, limits: Limits) -> (Option<Self>, Admission) {
        let Self { in_flight, waiting } = self;
        if in_flight < limits.in_flight && waiting == 0 {
            (Some(Self { in_flight: in_flight + 1, waiting }), Admission::Admitted)
        } else if waiting < limits.waiting {
            (Some(Self { in_flight, waiting: waiting + 1 }), Admission::Queued)
        } else {
            (None, Admission::Shed)
        }
    }

    const fn pack(self) -> u64 {
        (self.in_flight as u64) << u32::BITS | self.waiting as u64
    }

    fn unpack(word: u64) -> Self {
        let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self { in_flight: half(word >> u32::BITS), waiting: half(word) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[derive(Default)]
    struct Rings(AtomicU32);

    impl Bell for Rings {
        fn ring(&self) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    impl Rings {
        fn take(&self) -> u32 {
            self.0.swap(0, Relaxed)
        }
    }

    fn gate(in_flight: u32, waiting: u32) -> (Gate, Arc<Rings>) {
        let bell = Arc::new(Rings::default());
        (Gate::new(Limits { in_flight, waiting }, Arc::clone(&bell) as _), bell)
    }

    #[test]
    fn the_first_are_admitted_the_next_wait_and_the_rest_is_shed() {
        use Admission::{Admitted, Queued, Shed};
        let (gate, bell) = gate(2, 1);
        let answers = [(); 4].map(|()| gate.arrive());
        assert_eq!(answers, [Admitted, Admitted, Queued, Shed]);
        assert!(!gate.enter());
        gate.leave();
        assert_eq!(bell.take(), 1);
        assert!(gate.enter());
        assert_eq!(gate.counts(), Counts { in_flight: 2, waiting: 0 });
    }

    #[test]
    fn who_waits_goes_before_who_arrives() {
        let (gate, _) = gate(1, 2);
        gate.arrive();
        gate.arrive();
        gate.leave();
        assert_eq!(gate.arrive(), Admission::Queued);
        assert!(gate.enter());
        assert_eq!(gate.counts(), Counts { in_flight: 1, waiting: 1 });
    }

    #[test]
    fn who_gives_up_passes_the_bell_on() {
        let (gate, bell) = gate(1, 2);
        for _ in 0..3 {
            gate.arrive();
        }
        gate.leave();
        assert_eq!(bell.take(), 1);
        gate.abandon();
        assert_eq!(bell.take(), 1);
        assert!(gate.enter());
        assert_eq!(bell.take(), 0);
    }

    #[test]
    fn higher_limits_let_those_in_who_wait() {
        let (gate, bell) = gate(1, 2);
        for _ in 0..3 {
            gate.arrive();
        }
        gate.set_limits(Limits { in_flight: 3, waiting: 0 });
        assert_eq!(bell.take(), 1);
        assert!(gate.enter());
        assert_eq!(bell.take(), 1, "the other one can enter as well");
        assert!(gate.enter());
    }

    #[test]
    fn threads_never_pass_the_limit() {
        let (gate, _) = gate(3, 0);
        let most = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        if gate.arrive() == Admission::Admitted {
                            most.fetch_max(gate.counts().in_flight, Relaxed);
                            gate.leave();
                        }
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(gate.counts(), Counts::default());
    }

    proptest! {
        /// Whenever somebody waits and there is room, a bell has rung that nobody has answered yet.
        #[test]
        fn nobody_waits_beside_a_free_place_unheard(steps in vec(0..4_u8, 0..200)) {
            let (gate, bell) = gate(2, 3);
            let (mut inside, mut waiting, mut rung) = (0_u32, 0_u32, false);
            for step in steps {
                match step {
                    0 => match gate.arrive() {
                        Admission::Admitted => inside += 1,
                        Admission::Queued => waiting += 1,
                        Admission::Shed => prop_assert_eq!(waiting, 3),
                    },
                    1 if inside > 0 => { gate.leave(); inside -= 1; }
                    2 if waiting > 0 => { gate.abandon(); waiting -= 1; rung = false; }
                    3 if waiting > 0 => {
                        rung = false;
                        if gate.enter() { inside += 1; waiting -= 1; }
                    }
                    _ => {}
                }
                rung |= bell.take() > 0;
                prop_assert_eq!(gate.counts(), Counts { in_flight: inside, waiting });
                prop_assert!(inside <= 2 && waiting <= 3);
                prop_assert!(rung || waiting == 0 || inside == 2);
            }
        }
    }
}
