//! The breaker against a model that keeps a list of everything.

use std::{num::NonZeroU32, thread, time::Duration};

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::Share;

const INTERVAL: u64 = 10_000;
const TIMEOUT: u64 = 5_000;
const TRIALS: u32 = 3;
const MINIMUM: usize = 4;

fn at(millis: u64) -> Moment {
    Moment::after_start(Duration::from_millis(millis))
}

fn breaker() -> Breaker {
    Breaker::new(BreakerSettings {
        interval: Duration::from_millis(INTERVAL),
        timeout: Duration::from_millis(TIMEOUT),
        max_requests: NonZeroU32::new(TRIALS).unwrap(),
        failure_rate: Share::HALF,
        minimum_calls: 4,
    })
}

const BAD: Outcome = Outcome::Answered(500);
const GOOD: Outcome = Outcome::Answered(200);

fn call(breaker: &Breaker, outcome: Outcome, millis: u64) -> Option<State> {
    let permit = breaker.admit(at(millis)).unwrap();
    breaker.record(permit, outcome, at(millis))
}

/// A breaker that opened at 0.
fn open() -> Breaker {
    let breaker = breaker();
    let states: Vec<_> = (0..4).filter_map(|_| call(&breaker, BAD, 0)).collect();
    assert_eq!(states, [State::Open]);
    breaker
}

#[test]
fn it_opens_stays_open_tries_and_closes() {
    let breaker = open();
    assert_eq!(breaker.admit(at(1_000)), Err(Rejected { retry_after: Some(Duration::from_secs(4)) }));
    assert!(!breaker.is_passable(at(4_999)) && breaker.is_passable(at(5_000)));
    let trials: Vec<_> = (0..TRIALS).map(|_| breaker.admit(at(5_000)).unwrap()).collect();
    assert_eq!(breaker.admit(at(5_000)), Err(Rejected { retry_after: None }));
    assert!(!breaker.is_passable(at(5_000)));
    let states: Vec<_> = trials.into_iter().map(|trial| breaker.record(trial, GOOD, at(5_100))).collect();
    assert_eq!(states, [None, None, Some(State::Closed)]);
    let view = breaker.view(at(5_300));
    assert_eq!((view.state, view.trips, view.window), (State::Closed, 1, Tally::default()));
    assert_eq!(view.time_in_state, Duration::from_millis(200));
}

#[test]
fn one_bad_trial_opens_it_again() {
    let breaker = open();
    let late = breaker.admit(at(5_000)).unwrap();
    assert_eq!(call(&breaker, Outcome::TimedOut, 5_001), Some(State::Open));
    assert_eq!(breaker.record(late, GOOD, at(5_002)), None);
    let view = breaker.view(at(5_002));
    assert_eq!((view.state, view.trips), (State::Open, 2));
    assert_eq!(view.retry_after, Some(Duration::from_millis(4_999)));
}

#[test]
fn client_errors_do_not_open_it() {
    let breaker = breaker();
    for _ in 0..100 {
        assert_eq!(call(&breaker, Outcome::Answered(429), 0), None);
    }
    assert_eq!(breaker.view(at(0)).window, Tally { calls: 100, marked: 0 });
}

#[test]
fn too_few_calls_do_not_open_it() {
    let breaker = breaker();
    for millis in [0, INTERVAL, 2 * INTERVAL, 3 * INTERVAL] {
        assert_eq!(call(&breaker, BAD, millis), None);
    }
}

#[test]
fn an_operator_has_the_last_word() {
    let breaker = breaker();
    let before = breaker.admit(at(0)).unwrap();
    breaker.force_open(at(0));
    assert_eq!(breaker.record(before, GOOD, at(1)), None);
    assert_eq!(breaker.admit(at(1_000_000)), Err(Rejected { retry_after: None }));
    assert_eq!(breaker.view(at(0)).state, State::ForcedOpen);
    breaker.reset(at(1_000_000));
    assert_eq!(call(&breaker, GOOD, 1_000_000), None);
    assert_eq!(breaker.view(at(1_000_000)).trips, 0);
}

#[test]
fn a_cancelled_trial_makes_room_for_another() {
    let breaker = open();
    for _ in 0..10 * TRIALS {
        assert_eq!(call(&breaker, Outcome::Cancelled, 5_000), None);
    }
    let states: Vec<_> = (0..TRIALS).filter_map(|_| call(&breaker, GOOD, 5_000)).collect();
    assert_eq!(states, [State::Closed]);
}

#[test]
fn threads_get_no_more_than_the_trials() {
    for _ in 0..50 {
        let breaker = open();
        let admitted = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..10).filter_map(|_| breaker.admit(at(5_000)).ok()).count()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(admitted, TRIALS as usize);
    }
}

/// What a model remembers: times in milliseconds, counts in lists.
struct Model {
    state: State,
    generation: u32,
    calls: Vec<(u64, bool)>,
    until: u64,
    trials: u32,
    good_trials: u32,
    trips: u64,
}

impl Model {
    fn change(&mut self, state: State, now: u64) {
        self.state = state;
        self.generation += 1;
        (self.trials, self.good_trials) = (0, 0);
        match state {
            State::Open => (self.until, self.trips) = (now + TIMEOUT, self.trips + 1),
            State::Closed => self.calls.clear(),
            _ => {}
        }
    }

    fn admit(&mut self, now: u64) -> bool {
        if self.state == State::Open && now >= self.until {
            self.change(State::HalfOpen, now);
        }
        match self.state {
            State::Closed => true,
            State::HalfOpen if self.trials < TRIALS => {
                self.trials += 1;
                true
            }
            _ => false,
        }
    }

    fn record(&mut self, generation: u32, verdict: Verdict, now: u64) {
        if generation != self.generation {
            return;
        }
        match (self.state, verdict) {
            (State::HalfOpen, Verdict::Unknown) => self.trials -= 1,
            (State::HalfOpen, Verdict::Bad) => self.change(State::Open, now),
            (State::HalfOpen, Verdict::Good) => {
                self.good_trials += 1;
                if self.good_trials == TRIALS {
                    self.change(State::Closed, now);
                }
            }
            (State::Closed, Verdict::Good | Verdict::Bad) => {
                self.calls.push((now / 1_000, verdict == Verdict::Bad));
                let live: Vec<_> = self.calls.iter().filter(|call| call.0 + 10 > now / 1_000).collect();
                let bad = live.iter().filter(|call| call.1).count();
                if verdict == Verdict::Bad && live.len() >= MINIMUM && bad * 2 >= live.len() {
                    self.change(State::Open, now);
                }
            }
            _ => {}
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Admit,
    /// Ends one of the calls under way, chosen by the number.
    End(usize, Outcome),
    ForceOpen,
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(GOOD),
        4 => Just(BAD),
        1 => Just(Outcome::NotConnected),
        1 => Just(Outcome::TimedOut),
        1 => Just(Outcome::Answered(404)),
        1 => Just(Outcome::Cancelled),
    ];
    prop_oneof![
        10 => Just(Step::Admit),
        10 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Step::End(which, outcome)),
        4 => (0_u64..3_000).prop_map(Step::Wait),
        1 => (5_000_u64..12_000).prop_map(Step::Wait),
        1 => Just(Step::ForceOpen),
        1 => Just(Step::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn it_does_what_the_model_does(steps in vec(step(), 1..300)) {
        let breaker = breaker();
        let mut model = Model {
            state: State::Closed, generation: 0, calls: vec![], until: 0, trials: 0, good_trials: 0, trips: 0,
        };
        let mut under_way = Vec::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Wait(millis) => now += millis,
                Step::Admit => {
                    let permit = breaker.admit(at(now)).ok();
                    prop_assert_eq!(permit.is_some(), model.admit(now));
                    under_way.extend(permit.map(|permit| (permit, model.generation)));
                }
                Step::End(which, outcome) if !under_way.is_empty() => {
                    let (permit, generation) = under_way.swap_remove(which % under_way.len());
                    let before = model.generation;
                    model.record(generation, outcome.verdict(), now);
                    let changed = (model.generation != before).then_some(model.state);
                    prop_assert_eq!(breaker.record(permit, outcome, at(now)), changed);
                }
                Step::End(..) => {}
                Step::ForceOpen => {
                    breaker.force_open(at(now));
                    model.change(State::ForcedOpen, now);
                }
                Step::Reset => {
                    breaker.reset(at(now));
                    model.change(State::Closed, now);
                }
            }
            let view = breaker.view(at(now));
            prop_assert_eq!((view.state, view.trips), (model.state, model.trips));
            let current = under_way.iter().filter(|(permit, generation)| {
                permit.is_trial() && *generation == model.generation
            });
            prop_assert!(current.count() <= TRIALS as usize);
        }
    }
}
