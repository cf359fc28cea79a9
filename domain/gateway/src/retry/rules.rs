//! Whether a request that failed is sent again.

use std::{num::NonZeroU32, time::Duration};

use super::RetryBudget;
use crate::{Moment, Outcome};

/// What matters of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeatable {
    /// Sending it twice does no more than sending it once: see [`Repeatable::is_harmless`].
    pub harmless: bool,
    /// Its body is kept, or was not touched, or there is none.
    pub body_replayable: bool,
}

impl Repeatable {
    /// Whether a request may be repeated by its method, or because it carries an idempotency key.
    ///
    /// Methods are case-sensitive. `PUT` and `DELETE` are idempotent by the letter of RFC 9110, but a repeated one may undo
    /// what another client did in between; they are repeated with a key only.
    pub fn is_harmless(method: &str, has_idempotency_key: bool) -> bool {
        has_idempotency_key || matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

/// How often and how late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryRules {
    /// The most attempts, the first one included.
    pub attempts: NonZeroU32,
    /// With less time than this left, another attempt is pointless.
    pub least_time: Duration,
}

impl Default for RetryRules {
    fn default() -> Self {
        let attempts = NonZeroU32::new(3).unwrap_or(NonZeroU32::MIN);
        Self { attempts, least_time: Duration::from_millis(5) }
    }
}

/// An attempt that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How it ended.
    pub outcome: Outcome,
    /// The attempts so far, this one included.
    pub attempts: u32,
    /// The time that is left for the request; `None` where it has no deadline.
    pub remaining: Option<Duration>,
}

impl RetryRules {
    /// Decides; a yes has taken a retry out of the budget.
    pub fn decide(
        &self,
        request: Repeatable,
        failure: Failure,
        budget: &RetryBudget,
        now: Moment,
    ) -> Result<(), NotRepeated> {
        let harmless = match repetition(failure.outcome) {
            Repetition::Pointless => return Err(NotRepeated::Final),
            Repetition::IfHarmless => request.harmless,
            Repetition::Harmless => true,
        };
        if !harmless {
            return Err(NotRepeated::Harmful);
        }
        if !request.body_replayable {
            return Err(NotRepeated::BodyGone);
        }
        if failure.attempts >= self.attempts.get() {
            return Err(NotRepeated::Attempts);
        }
        if failure.remaining.is_some_and(|remaining| remaining < self.least_time) {
            return Err(NotRepeated::OutOfTime);
        }
        if budget.withdraw(now) { Ok(()) } else { Err(NotRepeated::Budget) }
    }
}

enum Repetition {
    Pointless,
    IfHarmless,
    Harmless,
}

/// Statuses that say "not now, not here" may be better elsewhere; a 500 would be the same again. A request that never left
/// is harmless whatever it is.
const fn repetition(outcome: Outcome) -> Repetition {
    match outcome {
        Outcome::NotConnected => Repetition::Harmless,
        Outcome::Answered(502..=504) | Outcome::TimedOut | Outcome::Broken => Repetition::IfHarmless,
        Outcome::Answered(_) | Outcome::Faulted | Outcome::Cancelled => Repetition::Pointless,
    }
}

/// Why a request is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRepeated {
    /// Its outcome stands.
    #[error("another attempt would end the same way")]
    Final,
    /// The backend may have acted on it.
    #[error("request is neither safe nor carries an idempotency key")]
    Harmful,
    /// Its body has been passed on and is not kept.
    #[error("request body cannot be sent again")]
    BodyGone,
    /// It has been sent often enough.
    #[error("all attempts are used up")]
    Attempts,
    /// Its deadline is too near.
    #[error("no time is left for another attempt")]
    OutOfTime,
    /// The service has had its retries.
    #[error("retry budget is used up")]
    Budget,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::BudgetSettings;

    const SAFE: Repeatable = Repeatable { harmless: true, body_replayable: true };
    const POST: Repeatable = Repeatable { harmless: false, body_replayable: true };
    const STREAMED: Repeatable = Repeatable { harmless: true, body_replayable: false };

    fn decide(request: Repeatable, failure: Failure) -> Result<(), NotRepeated> {
        let budget = RetryBudget::new(BudgetSettings { reserve: 1, ..BudgetSettings::default() });
        RetryRules::default().decide(request, failure, &budget, Moment::START)
    }

    const fn failure(outcome: Outcome) -> Failure {
        Failure { outcome, attempts: 1, remaining: None }
    }

    #[test]
    fn safe_methods_and_keys_make_harmless() {
        for (method, key, harmless) in [
            ("GET", false, true),
            ("HEAD", false, true),
            ("OPTIONS", false, true),
            ("get", false, false),
            ("POST", false, false),
            ("PUT", false, false),
            ("DELETE", false, false),
            ("POST", true, true),
        ] {
            assert_eq!(Repeatable::is_harmless(method, key), harmless, "{method} {key}");
        }
    }

    #[test]
    fn outcomes_decide_first() {
        use NotRepeated::{BodyGone, Final, Harmful};
        for (outcome, safe, post, streamed) in [
            (Outcome::NotConnected, Ok(()), Ok(()), Err(BodyGone)),
            (Outcome::TimedOut, Ok(()), Err(Harmful), Err(BodyGone)),
            (Outcome::Broken, Ok(()), Err(Harmful), Err(BodyGone)),
            (Outcome::Answered(503), Ok(()), Err(Harmful), Err(BodyGone)),
            (Outcome::Answered(500), Err(Final), Err(Final), Err(Final)),
            (Outcome::Answered(429), Err(Final), Err(Final), Err(Final)),
            (Outcome::Answered(200), Err(Final), Err(Final), Err(Final)),
            (Outcome::Cancelled, Err(Final), Err(Final), Err(Final)),
        ] {
            let decisions = [SAFE, POST, STREAMED].map(|request| decide(request, failure(outcome)));
            assert_eq!(decisions, [safe, post, streamed], "{outcome:?}");
        }
    }

    #[test]
    fn attempts_time_and_budget_end() {
        let failure = failure(Outcome::Broken);
        assert_eq!(decide(SAFE, Failure { attempts: 3, ..failure }), Err(NotRepeated::Attempts));
        let remaining = Some(Duration::from_millis(4));
        assert_eq!(decide(SAFE, Failure { remaining, ..failure }), Err(NotRepeated::OutOfTime));
        let budget = RetryBudget::new(BudgetSettings { reserve: 1, ..BudgetSettings::default() });
        let decide = || RetryRules::default().decide(SAFE, failure, &budget, Moment::START);
        assert_eq!([decide(), decide()], [Ok(()), Err(NotRepeated::Budget)]);
    }
}
