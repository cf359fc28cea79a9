//! Forward a request to a backend of the service that its path belongs to.
//!
//! The way of a request: route, rate limit, identity where the route needs one, body (kept if it may be sent again),
//! then attempts until one ends well or no other makes sense. A further step belongs into `ForwardHandler::forward`; how
//! it ends is always reported.

mod claims;
mod deadline;
mod exchange;
mod location;
mod record;
mod refuse;
mod report;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use exchange::RequestExchange;
use gateway_domain::{
    API_PREFIX, Access, RequestPath, Route, RouteTable,
    message::TrustedProxies,
    retry::{Repeatable, RetryRules},
};
use http::Method;
use kernel_application::{CallContext, Command, CommandHandler, Permit};
pub use record::{Facts, Record};
pub use refuse::{RefuseRequest, RefuseRequestHandler};
use report::Report;
use shaku::Component;
use tokio::time::timeout;

use crate::{
    Fields, ForwardObserver, GatewayError, RateLimiter, RequestBody, Ruling, UpstreamClient, UpstreamRequest,
    UpstreamResponse, Upstreams,
    admission::Admission,
    attempts::{Attempts, Reached},
    body::{Lending, MOST_KEPT, keep},
    limiter::{class_of, rate_limits},
    upstreams::Upstream,
};

/// A client's request.
pub struct Forward {
    /// The request as it was sent: what becomes of it is decided here.
    pub request: Box<UpstreamRequest>,
    /// The body.
    pub body: RequestBody,
    /// Where it is kept what became of it.
    pub record: Record,
}

impl Command for Forward {
    const NAME: &'static str = "forward";
    type Output = UpstreamResponse;
    type Error = GatewayError;

    /// Whom a request is for depends on its route, which the handler finds: see [`Access`].
    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// How requests are forwarded.
#[derive(Clone, Debug, Default)]
pub struct ForwardSettings {
    /// Whose word on the client counts.
    pub proxies: TrustedProxies,
    /// How often a request is sent; `None` for once.
    pub retries: Option<RetryRules>,
}

/// Finds the route, applies the limits, sends, and tells the observer.
#[derive(Component)]
#[shaku(interface = CommandHandler<Forward>)]
pub struct ForwardHandler {
    #[shaku(inject)]
    client: Arc<dyn UpstreamClient>,
    #[shaku(inject)]
    limiter: Arc<dyn RateLimiter>,
    #[shaku(inject)]
    observer: Arc<dyn ForwardObserver>,
    /// The services and their backends.
    upstreams: Arc<Upstreams>,
    /// How requests are forwarded.
    settings: ForwardSettings,
    /// The public routes.
    #[shaku(default = RouteTable::standard())]
    routes: RouteTable,
}

#[async_trait]
impl CommandHandler<Forward> for ForwardHandler {
    async fn handle(
        &self,
        ctx: &CallContext,
        Forward { mut request, body, record }: Forward,
    ) -> Result<UpstreamResponse, GatewayError> {
        let whole = request.target.path();
        let (route, inner) =
            self.routes.resolve(RequestPath::parse(whole)?).ok_or(GatewayError::UnknownRoute)?;
        let prefix = whole.len().saturating_sub(inner.len());
        if !request.target.cut(prefix) {
            return Err(GatewayError::UnknownRoute);
        }
        request.prefix = API_PREFIX;
        let mut report = Report::new(route, request.method.clone());
        let result = self.forward(ctx, route, request, body, &mut report).await;
        let observation = report.observation(&result);
        record.keep(&observation);
        self.observer.ended(ctx, &observation);
        result
    }
}

impl ForwardHandler {
    /// What a module needs to build the handler: the backends and settings, beside the routes of the public API.
    pub fn parameters(upstreams: Arc<Upstreams>, settings: ForwardSettings) -> ForwardHandlerParameters {
        ForwardHandlerParameters { upstreams, settings, routes: RouteTable::standard() }
    }

    async fn forward(
        &self,
        ctx: &CallContext,
        route: &Route,
        mut request: Box<UpstreamRequest>,
        mut body: RequestBody,
        report: &mut Report,
    ) -> Result<UpstreamResponse, GatewayError> {
        request.client.judge(&self.settings.proxies);
        let admission = Admission { limiter: &*self.limiter, proxies: &self.settings.proxies };
        let class = class_of(route.service(), &request.method);
        let limited = &mut report.course.limited;
        let ruling = admission.check(ctx, class, || ways(&request.headers), &request.client, limited).await?;
        admit(ctx, &request.method, request.target.path())?;
        claims::remove(&mut request.headers);
        let upstream = self.upstream(route)?;
        let shortened = deadline::shortened(ctx, &mut request.headers);
        let ctx = shortened.as_deref().unwrap_or(ctx);
        request.harmless = is_harmless(&request);
        if let Some(length) = self.worth_keeping(&request) {
            // In a box of its own: most requests have no body, and would carry it about.
            body = Box::pin(read(ctx, body, length)).await?;
        }
        let exchange = RequestExchange { client: &*self.client, request, body: Lending::new(body) };
        let attempts = Attempts {
            upstreams: &self.upstreams,
            upstream,
            observer: &*self.observer,
            retries: self.settings.retries,
        };
        let reached = attempts.run(ctx, &exchange, &mut report.course).await?;
        let Reached { answer: mut response, slot, .. } = reached;
        response.held.0 = Some(slot);
        location::make_public(&self.routes, &mut response.headers);
        if let Some(Ruling { decision, .. }) = ruling {
            for (name, value) in rate_limits(&decision) {
                response.headers.add(name, itoa::Buffer::new().format(value).as_bytes());
            }
        }
        Ok(response)
    }

    fn upstream(&self, route: &Route) -> Result<&Upstream, GatewayError> {
        self.upstreams.of(route.service()).ok_or(GatewayError::Disabled(route.service()))
    }

    /// The length of the body, where the request may be sent again with it and it is known to be short.
    fn worth_keeping(&self, request: &UpstreamRequest) -> Option<u64> {
        let length = request.headers.text("content-length")?.parse().ok()?;
        (request.harmless && self.settings.retries.is_some() && length <= MOST_KEPT).then_some(length)
    }
}

/// Reads the whole body before any of it is sent.
async fn read(ctx: &CallContext, body: RequestBody, length: u64) -> Result<RequestBody, GatewayError> {
    let patience = ctx.remaining().unwrap_or(Duration::MAX);
    Ok(timeout(patience, keep(body, length)).await.map_err(|_| GatewayError::BodySlow)??)
}

/// Whether sending it twice does no more than sending it once. What opens a tunnel is not sent twice: nobody knows what a
/// first one has begun.
fn is_harmless(request: &UpstreamRequest) -> bool {
    let UpstreamRequest { method, headers, .. } = request;
    let keyed = !method.is_safe() && headers.contains("idempotency-key");
    Repeatable::is_harmless(method.as_str(), keyed) && !headers.contains("upgrade")
}

/// What those before this gateway say of the way that a request has come.
fn ways(headers: &Fields) -> Vec<&str> {
    headers.texts("x-forwarded-for").collect()
}

/// Turns away those without an identity where a route is not for everybody. Who they are is for the service to judge.
fn admit(ctx: &CallContext, method: &Method, path: &str) -> Result<(), GatewayError> {
    let permit = match Access::of(method.as_str(), path) {
        Access::Public => Permit::Anyone,
        Access::Identified => Permit::Known,
    };
    Ok(permit.admit(ctx.caller())?)
}
