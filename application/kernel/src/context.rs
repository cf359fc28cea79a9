//! Who calls, until when, and what has to be settled with the effect.

use std::time::{Duration, Instant};

use crate::{Caller, Claim, TraceContext, messaging::Delivery};

/// Travels with every call from the inbound adapter to the store and on to other services.
///
/// A store MUST settle `claim` and `delivery` in the very transaction that writes the effect: that is how an
/// idempotency key or an event is used up exactly once, whatever is killed in between.
#[derive(Clone, Debug)]
pub struct CallContext {
    request_id: String,
    trace: TraceContext,
    caller: Caller,
    deadline: Option<Instant>,
    claim: Option<Claim>,
    delivery: Option<Delivery>,
}

impl CallContext {
    /// A call of nobody's, without deadline.
    pub fn new(request_id: impl Into<String>, trace: TraceContext) -> Self {
        let caller = Caller::default();
        Self { request_id: request_id.into(), trace, caller, deadline: None, claim: None, delivery: None }
    }

    /// The same call, made by `caller`.
    #[must_use]
    pub fn by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// Notes who calls, where that is found out on the way.
    pub fn identify(&mut self, caller: Caller) {
        self.caller = caller;
    }

    /// The same call, to be answered before `deadline`.
    #[must_use]
    pub fn with_deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// The same call, holding an idempotency key that the next save uses up.
    #[must_use]
    pub fn with_claim(&self, claim: Claim) -> Self {
        Self { claim: Some(claim), ..self.clone() }
    }

    /// The same call, on behalf of an event that the next save marks as handled.
    #[must_use]
    pub fn with_delivery(self, delivery: Delivery) -> Self {
        Self { delivery: Some(delivery), ..self }
    }

    /// The same call with nothing to settle: for saves that come before the one that counts.
    #[must_use]
    pub fn unsettled(&self) -> Self {
        Self { claim: None, delivery: None, ..self.clone() }
    }

    /// The id that names this call in logs and answers.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The W3C trace this call belongs to.
    pub const fn trace(&self) -> &TraceContext {
        &self.trace
    }

    /// Who calls.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The idempotency key held, if any.
    pub const fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref()
    }

    /// The event being handled, if any.
    pub const fn delivery(&self) -> Option<&Delivery> {
        self.delivery.as_ref()
    }

    /// The time left until the deadline; `None` where there is none, zero when it has passed.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.and_then(|_| self.remaining_at(Instant::now()))
    }

    /// The time left as [`remaining`](Self::remaining) has it, for those who know what time it is.
    pub fn remaining_at(&self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }
}
