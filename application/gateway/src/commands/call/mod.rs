//! Call a backend of the gRPC service that a method belongs to.
//!
//! The way of a call is that of a request in [`forward`](super::forward), with two differences: how it went is known with
//! its last trailer and not with its head, so a place and the breaker's leave are held until then; and a deadline can
//! pass, or a token expire, in the middle of an answer, which ends with a status all the same.

mod answer;
mod exchange;
mod messages;
mod metadata;
mod refuse;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use gateway_domain::{
    Access,
    call::{CallKind, CallRoute},
    limit::RouteClass,
};
use http::{HeaderMap, Method, uri::PathAndQuery};
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use shaku::Component;
use tokio::time::timeout;

pub use self::refuse::{RefuseCall, RefuseCallHandler, Refused};
use self::{answer::Ending, exchange::CallExchange, messages::Blame};
use super::forward::ForwardSettings;
use crate::{
    BodyError, CallClient, CallObservation, CallPieces, CallResponse, Client, ForwardObserver, GatewayError,
    RateLimiter, RequestBody, Ruling, Upstreams, Validity,
    admission::Admission,
    attempts::{Attempts, Course, Reached},
    body::Lending,
    limiter::{class_of, rate_limit_headers},
};

/// A client's call.
pub struct Call {
    /// Service and method: `/product.v1.ProductService/GetProduct`.
    pub path: String,
    /// The metadata.
    pub headers: HeaderMap,
    /// The messages.
    pub body: RequestBody,
    /// Who calls.
    pub client: Client,
}

/// A backend's answer to a call.
pub struct CallAnswer {
    /// The metadata; with the status, where it is the whole answer.
    pub headers: HeaderMap,
    /// The rest of it; `None` where the head is the whole answer. An error ends it, in place of trailers.
    pub pieces: Option<CallPieces<GatewayError>>,
}

impl Command for Call {
    const NAME: &'static str = "call";
    type Output = CallAnswer;
    type Error = GatewayError;

    /// What nothing answers is denied to nobody: that there is nothing is no secret.
    fn permit(&self) -> Permit<'_> {
        match Access::of(Method::POST.as_str(), &self.path) {
            Access::Identified if CallRoute::find(&self.path).is_some() => Permit::Known,
            Access::Identified | Access::Public => Permit::Anyone,
        }
    }
}

/// How calls are passed on.
#[derive(Clone, Debug)]
pub struct CallSettings {
    /// Whose word on the client counts, and how often a call is sent.
    pub forward: ForwardSettings,
    /// How long a method with one message each way may take to begin its answer, each attempt.
    pub first_byte: Duration,
    /// And to end it, with all attempts. Methods that may stream have only the deadline that the client gives them.
    pub whole: Duration,
    /// The longest message of a client, in bytes.
    pub longest_message: u32,
}

/// Finds the method, applies the limits, calls, and tells the observer.
#[derive(Component)]
#[shaku(interface = CommandHandler<Call>)]
pub struct CallHandler {
    #[shaku(inject)]
    client: Arc<dyn CallClient>,
    #[shaku(inject)]
    limiter: Arc<dyn RateLimiter>,
    #[shaku(inject)]
    observer: Arc<dyn ForwardObserver>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
    /// The services and their gRPC backends.
    upstreams: Arc<Upstreams>,
    /// How calls are passed on.
    settings: CallSettings,
}

/// An answer that has begun, with what is needed to tell how it ends.
struct Begun {
    reached: Reached<CallResponse>,
    ctx: CallContext,
    /// Whether the client gave it less time than the gateway would.
    hurried: bool,
    validity: Validity,
    blame: Blame,
    ruling: Option<Ruling>,
}

#[async_trait]
impl CommandHandler<Call> for CallHandler {
    async fn handle(&self, ctx: &CallContext, call: Call) -> Result<CallAnswer, GatewayError> {
        let route = CallRoute::find(&call.path).ok_or(GatewayError::UnknownRoute)?;
        let path = PathAndQuery::try_from(call.path.as_str());
        let path = path.map_err(|error| GatewayError::Target(error.into()))?;
        let mut course = Course::begin(route.service(), route.template());
        match self.begin(ctx, route, path, call, &mut course).await {
            Ok(begun) => Ok(self.answer(begun, course)),
            Err(error) => {
                self.observer.called(ctx, &observation(&course, Err(&error)));
                Err(error)
            }
        }
    }
}

impl CallHandler {
    async fn begin(
        &self,
        ctx: &CallContext,
        route: &CallRoute,
        path: PathAndQuery,
        call: Call,
        course: &mut Course,
    ) -> Result<Begun, GatewayError> {
        let Call { mut headers, body, mut client, .. } = call;
        client.judge(&self.settings.forward.proxies);
        let admission = Admission { limiter: &*self.limiter, proxies: &self.settings.forward.proxies };
        let ruling = admission
            .check(ctx, class(route), || metadata::ways(&headers), &client, &mut course.limited)
            .await?;
        let service = route.service();
        let upstream = self.upstreams.of(service).ok_or(GatewayError::Disabled(service))?;
        let (ctx, hurried) = self.limited(ctx, route.kind());
        let (body, blame) = messages::limited(body, self.settings.longest_message);
        let body = Lending::new(prepare(&ctx, body, route.kind()).await?);
        metadata::to_backend(&mut headers, &ctx, &client);
        let exchange = CallExchange {
            client: &*self.client,
            path,
            headers,
            kind: route.kind(),
            first_byte: self.settings.first_byte,
            hurried,
            validity: self.validity(&ctx, route.kind()),
            body,
            blame: blame.clone(),
        };
        let attempts = Attempts {
            upstreams: &self.upstreams,
            upstream,
            observer: &*self.observer,
            retries: self.settings.forward.retries,
        };
        let reached = attempts.run(&ctx, &exchange, course).await?;
        let validity = exchange.validity;
        Ok(Begun { reached, ctx: ctx.into_owned(), hurried, validity, blame, ruling })
    }

    /// The same call with the nearer deadline, and whether that is the client's.
    fn limited<'a>(&self, ctx: &'a CallContext, kind: CallKind) -> (Cow<'a, CallContext>, bool) {
        let asked = ctx.remaining();
        if kind == CallKind::Open || asked.is_some_and(|asked| asked < self.settings.whole) {
            return (Cow::Borrowed(ctx), asked.is_some());
        }
        match Instant::now().checked_add(self.settings.whole) {
            Some(deadline) => (Cow::Owned(ctx.clone().with_deadline(deadline)), false),
            None => (Cow::Borrowed(ctx), false),
        }
    }

    /// What may stream goes on for as long as its caller is who they are. Everything else has an end of its own, and a
    /// payment that was begun with a good token is not cut off in the middle.
    fn validity(&self, ctx: &CallContext, kind: CallKind) -> Validity {
        if kind == CallKind::Open { Validity::of(ctx.caller(), &self.clock) } else { Validity::default() }
    }

    fn answer(&self, begun: Begun, course: Course) -> CallAnswer {
        let Begun { reached: Reached { answer, slot, open }, ctx, hurried, validity, blame, ruling } = begun;
        let CallResponse { mut headers, pieces } = answer;
        metadata::to_client(&mut headers);
        headers.extend(ruling.iter().flat_map(|ruling| rate_limit_headers(&ruling.decision)));
        let remaining = ctx.remaining();
        let (upstreams, observer) = (Arc::clone(&self.upstreams), Arc::clone(&self.observer));
        let mut ending = Ending { upstreams, observer, ctx, course, open, slot, hurried, blame, over: false };
        let Some(pieces) = pieces else {
            ending.status(metadata::status(&headers));
            return CallAnswer { headers, pieces: None };
        };
        let pieces = answer::until_its_end(pieces, ending, remaining, validity);
        CallAnswer { headers, pieces: Some(Box::pin(pieces)) }
    }
}

/// The classes are those of requests: what reads, what changes something.
fn class(route: &CallRoute) -> RouteClass {
    let method = if route.kind() == CallKind::Read { Method::GET } else { Method::POST };
    class_of(route.service(), &method)
}

/// Reads the one message of a method that has one, so that it can be sent again.
async fn prepare(ctx: &CallContext, body: RequestBody, kind: CallKind) -> Result<RequestBody, GatewayError> {
    if kind == CallKind::Open {
        return Ok(body);
    }
    let patience = ctx.remaining().unwrap_or(Duration::MAX);
    timeout(patience, messages::keep(body)).await.map_err(|_| BodyError::Slow)?.map_err(GatewayError::from)
}

fn observation<'a>(course: &'a Course, result: Result<u16, &'a GatewayError>) -> CallObservation<'a> {
    CallObservation {
        service: course.service,
        method: course.route,
        backend: course.backend(),
        attempts: course.attempts,
        limited: course.limited,
        result,
        upstream: course.upstream,
        elapsed: course.elapsed(),
    }
}
