//! Sends to one backend after the other, until one answers well or no further attempt makes sense.
//!
//! What is sent is an [`Exchange`]; everything around it is the same for all of them: places, outcomes, retries, and what
//! is told of them.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_domain::{
    Backend, Moment, Outcome, Service, Verdict,
    balancing::Unavailable,
    member::{Member, Slot},
    retry::{Failure, Repeatable, RetryRules},
};
use kernel_application::CallContext;

use crate::{
    AttemptObservation, BodyError, Change, Decider, ForwardObserver, GatewayError, Stage, UpstreamError,
    Upstreams,
    body::Lending,
    upstreams::{Past, Refusal, Upstream},
};

/// Something that is sent to a backend, and answered.
pub(crate) trait Exchange: Sync {
    /// The head of an answer, and what follows it.
    type Answer: Send;

    /// Sends it once, until the head of the answer is there.
    fn send(
        &self,
        ctx: &CallContext,
        backend: &Backend,
    ) -> impl Future<Output = Result<Self::Answer, UpstreamError>> + Send;

    /// What the head says of the backend; `None` where only the end of the answer does.
    fn outcome(&self, answer: &Self::Answer) -> Option<Outcome>;

    /// Takes in what follows the head, so that the answer can wait while another backend is asked; `Err` where it is too
    /// long for that, or does not come.
    fn set_aside(
        &self,
        answer: Self::Answer,
    ) -> impl Future<Output = Result<Self::Answer, Self::Answer>> + Send;

    /// Whether sending it twice does no more than sending it once.
    fn is_harmless(&self) -> bool;

    /// Its body.
    fn body(&self) -> &Lending;
}

/// An answer, with the place at the backend that gave it.
pub(crate) struct Reached<A> {
    pub(crate) answer: A,
    pub(crate) slot: Slot,
    /// The attempt, where its outcome is still to be told.
    pub(crate) open: Option<Made>,
}

/// What is needed besides the exchange.
pub(crate) struct Attempts<'a> {
    pub(crate) upstreams: &'a Upstreams,
    pub(crate) upstream: &'a Upstream,
    pub(crate) observer: &'a dyn ForwardObserver,
    pub(crate) retries: Option<RetryRules>,
}

/// An answer, or why there is none, and what that says of the backend.
struct Ended<A> {
    outcome: Option<Outcome>,
    result: Result<Reached<A>, GatewayError>,
}

/// An attempt that is to be followed by another one, and stands where none takes place.
struct Failed<A> {
    result: Result<Reached<A>, GatewayError>,
    /// When the other one was taken out of the budget.
    taken: Moment,
}

impl Attempts<'_> {
    pub(crate) async fn run<E: Exchange>(
        &self,
        ctx: &CallContext,
        exchange: &E,
        course: &mut Course,
    ) -> Result<Reached<E::Answer>, GatewayError> {
        let mut past = Past::default();
        let mut last = None;
        loop {
            let slot = match self.upstream.enter(&mut past, ctx).await {
                Ok(slot) => slot,
                Err(refusal) => return self.give_up(last, refusal),
            };
            if last.is_none() {
                self.upstream.budget().deposit(slot.started());
            }
            let member = Arc::clone(slot.member());
            let Ended { outcome, result } = self.attempt(ctx, slot, exchange, course).await;
            let again = outcome.and_then(|outcome| self.goes_on(ctx, exchange, outcome, course.attempts));
            let Some(taken) = again else { return result };
            past.tried.add(&member);
            // In a box of its own: most requests need no second attempt, and would carry it about.
            last = Some(Box::new(Failed { result: Box::pin(aside(exchange, result)).await, taken }));
        }
    }

    /// No backend takes the request, and that is the end of it: to look for a place again would only make a crowd larger.
    /// Where a backend has been asked before, what it said stands, and the retry is left for others.
    fn give_up<A>(&self, last: Option<Box<Failed<A>>>, refusal: Refusal) -> Result<Reached<A>, GatewayError> {
        let Some(failed) = last else {
            return Err(refused(self.upstream.service(), refusal));
        };
        self.upstream.budget().put_back(failed.taken);
        failed.result
    }

    async fn attempt<E: Exchange>(
        &self,
        ctx: &CallContext,
        mut slot: Slot,
        exchange: &E,
        course: &mut Course,
    ) -> Ended<E::Answer> {
        let member = Arc::clone(slot.member());
        let sent = exchange.send(ctx, member.backend()).await;
        let sent = sent.map_err(|error| blamed(error, exchange.body()));
        // One look at the clock for all that an attempt is measured by.
        let now = self.upstreams.uptime().now();
        let made = course.attempted(&member, now.since(slot.started()));
        let outcome = match &sent {
            Ok(answer) => exchange.outcome(answer),
            Err(error) => Some(outcome(error)),
        };
        match outcome {
            Some(outcome) => made.settle(self.upstream, self.observer, &mut slot, outcome, now),
            None => slot.began(now),
        }
        let open = outcome.is_none().then_some(made);
        let result = match sent {
            Ok(answer) => Ok(Reached { answer, slot, open }),
            Err(error) => Err(failure(self.upstream.service(), member.backend(), error)),
        };
        Ended { outcome, result }
    }

    /// Whether there is to be another attempt. If so, its retry was taken out of the budget just now.
    fn goes_on<E: Exchange>(
        &self,
        ctx: &CallContext,
        exchange: &E,
        outcome: Outcome,
        attempts: u32,
    ) -> Option<Moment> {
        let rules = self.retries.filter(|_| outcome.verdict() != Verdict::Good)?;
        let body_replayable = match outcome {
            // Its body may still be on its way, and must not be taken from an answer that is passed on in the end.
            Outcome::Answered(_) | Outcome::Faulted => exchange.body().is_kept(),
            _ => exchange.body().take_back(),
        };
        let request = Repeatable { harmless: exchange.is_harmless(), body_replayable };
        let failure = Failure { outcome, attempts, remaining: ctx.remaining() };
        let now = self.upstreams.uptime().now();
        rules.decide(request, failure, self.upstream.budget(), now).ok().map(|()| now)
    }
}

/// What is remembered of a request for the observer.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) service: Service,
    pub(crate) route: &'static str,
    /// Who found that the client asks too often.
    pub(crate) limited: Option<Decider>,
    start: Instant,
    backend: Option<Arc<Member>>,
    pub(crate) attempts: u32,
    /// How long the backends took, all attempts together.
    pub(crate) upstream: Duration,
}

impl Course {
    pub(crate) fn begin(service: Service, route: &'static str) -> Self {
        let (start, upstream) = (Instant::now(), Duration::ZERO);
        Self { service, route, limited: None, start, backend: None, attempts: 0, upstream }
    }

    /// The backend that was asked last.
    pub(crate) fn backend(&self) -> Option<&Backend> {
        self.backend.as_deref().map(Member::backend)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Another attempt has been made.
    fn attempted(&mut self, backend: &Arc<Member>, elapsed: Duration) -> Made {
        self.backend = Some(Arc::clone(backend));
        self.attempts += 1;
        self.upstream += elapsed;
        Made { route: self.route, number: self.attempts, elapsed }
    }
}

/// One attempt, until what it says of the backend is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    route: &'static str,
    number: u32,
    elapsed: Duration,
}

impl Made {
    /// Tells breaker, balancer and observer.
    pub(crate) fn settle(
        self,
        upstream: &Upstream,
        observer: &dyn ForwardObserver,
        slot: &mut Slot,
        outcome: Outcome,
        now: Moment,
    ) {
        let settled = upstream.settle(slot, outcome, now);
        let (service, backend) = (upstream.service(), slot.member().backend());
        let Self { route, number, elapsed } = self;
        observer.attempted(&AttemptObservation { service, route, backend, outcome, number, elapsed });
        let changes = [settled.breaker.map(Change::Breaker), settled.ejected.map(Change::Ejected)];
        for change in changes.iter().flatten() {
            observer.changed(upstream.fleet(), backend, change);
        }
    }
}

/// An answer that may yet be the one. It takes no place from others while its request waits for another backend, unless
/// it is too long to be kept.
async fn aside<E: Exchange>(
    exchange: &E,
    result: Result<Reached<E::Answer>, GatewayError>,
) -> Result<Reached<E::Answer>, GatewayError> {
    let Reached { answer, mut slot, open } = result?;
    let answer = exchange.set_aside(answer).await.inspect(|_| slot.leave());
    let (Ok(answer) | Err(answer)) = answer;
    Ok(Reached { answer, slot, open })
}

/// A backend that could not answer because the client did not send is not to blame.
fn blamed(error: UpstreamError, body: &Lending) -> UpstreamError {
    match error {
        UpstreamError::TimedOut(Stage::FirstByte | Stage::Deadline) if body.waits_for_client() => {
            UpstreamError::RequestBody(BodyError::Slow)
        }
        error => error,
    }
}

const fn outcome(error: &UpstreamError) -> Outcome {
    match error {
        UpstreamError::Connect(_) | UpstreamError::TimedOut(Stage::Connect) => Outcome::NotConnected,
        UpstreamError::TimedOut(Stage::FirstByte) => Outcome::TimedOut,
        UpstreamError::Exchange(_) => Outcome::Broken,
        UpstreamError::TimedOut(Stage::Deadline)
        | UpstreamError::RequestBody(_)
        | UpstreamError::TokenExpired => Outcome::Cancelled,
    }
}

fn refused(service: Service, refusal: Refusal) -> GatewayError {
    match refusal {
        Refusal::Unavailable(Unavailable::NoneReady { retry_after }) => {
            GatewayError::NoBackend { service, retry_after }
        }
        Refusal::Unavailable(Unavailable::Broken { retry_after }) => {
            GatewayError::CircuitOpen { service, retry_after }
        }
        Refusal::Unavailable(Unavailable::Full | Unavailable::AllTried) | Refusal::Waited => {
            GatewayError::Overloaded(service)
        }
    }
}

pub(crate) fn failure(service: Service, backend: &Backend, error: UpstreamError) -> GatewayError {
    let backend = backend.to_string();
    match error {
        UpstreamError::Connect(source) => GatewayError::Unreachable { service, backend, source },
        UpstreamError::Exchange(source) => GatewayError::BadAnswer { service, backend, source },
        UpstreamError::TimedOut(stage) => GatewayError::TimedOut { service, backend, stage },
        UpstreamError::RequestBody(error) => error.into(),
        UpstreamError::TokenExpired => GatewayError::TokenExpired,
    }
}
