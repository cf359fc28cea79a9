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
use http::{
    HeaderMap, HeaderName, Method,
    header::{CONTENT_LENGTH, UPGRADE},
    uri::PathAndQuery,
};
use kernel_application::{CallContext, Command, CommandHandler, Permit};
pub use record::{Facts, Record};
pub use refuse::{RefuseRequest, RefuseRequestHandler};
use report::Report;
use shaku::Component;
use tokio::time::timeout;

use crate::{
    Client, ForwardObserver, GatewayError, RateLimiter, RequestBody, Ruling, UpstreamClient, UpstreamRequest,
    UpstreamResponse, Upstreams,
    admission::Admission,
    attempts::{Attempts, Reached},
    body::{Lending, MOST_KEPT, keep},
    limiter::{class_of, rate_limit_headers},
    upstreams::Upstream,
};

/// A client's request.
pub struct Forward {
    /// The method.
    pub method: Method,
    /// Path and query as they were sent, still percent-encoded.
    pub target: PathAndQuery,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: RequestBody,
    /// Who asks.
    pub client: Client,
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
    async fn handle(&self, ctx: &CallContext, request: Forward) -> Result<UpstreamResponse, GatewayError> {
        let path = RequestPath::parse(request.target.path())?;
        let (route, inner) = self.routes.resolve(path).ok_or(GatewayError::UnknownRoute)?;
        let target = inner_target(inner, &request.target)?;
        let mut report = Report::new(route, request.method.clone());
        let record = request.record.clone();
        let result = self.forward(ctx, route, target, request, &mut report).await;
        let observation = report.observation(&result);
        record.keep(&observation);
        self.observer.ended(ctx, &observation);
        result
    }
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl ForwardHandler {
    /// What a module needs to build the handler: the backends and settings, beside the routes of the public API.
    pub fn parameters(upstreams: Arc<Upstreams>, settings: ForwardSettings) -> ForwardHandlerParameters {
        ForwardHandlerParameters { upstreams, settings, routes: RouteTable::standard() }
    }

    async fn forward(
        &self,
        ctx: &CallContext,
        route: &Route,
        target: PathAndQuery,
        request: Forward,
        report: &mut Report,
    ) -> Result<UpstreamResponse, GatewayError> {
        let Forward { method, mut headers, body, mut client, .. } = request;
        client.trusted = client.address.is_some_and(|peer| self.settings.proxies.contains(peer));
        let admission = Admission { limiter: &*self.limiter, proxies: &self.settings.proxies };
        let class = class_of(route.service(), &method);
        let ruling = admission.check(ctx, class, &headers, &client, &mut report.course.limited).await?;
        admit(ctx, &method, target.path())?;
        claims::remove(&mut headers);
        let upstream = self.upstream(route)?;
        let ctx = deadline::shortened(ctx, &mut headers);
        // What opens a tunnel is not sent twice: nobody knows what a first one has begun.
        let harmless = Repeatable::is_harmless(method.as_str(), headers.contains_key(IDEMPOTENCY_KEY))
            && !headers.contains_key(UPGRADE);
        let body = self.prepare(&ctx, body, &headers, harmless).await?;
        let request = UpstreamRequest { method, target, prefix: API_PREFIX, headers, client, harmless };
        let exchange = RequestExchange { client: &*self.client, request, body };
        let attempts = Attempts {
            upstreams: &self.upstreams,
            upstream,
            observer: &*self.observer,
            retries: self.settings.retries,
        };
        let reached = attempts.run(&ctx, &exchange, &mut report.course).await?;
        let Reached { answer: mut response, slot, .. } = reached;
        response.held.0 = Some(slot);
        location::make_public(&self.routes, &mut response.headers);
        if let Some(Ruling { decision, .. }) = ruling {
            response.headers.extend(rate_limit_headers(&decision));
        }
        Ok(response)
    }

    fn upstream(&self, route: &Route) -> Result<&Upstream, GatewayError> {
        self.upstreams.of(route.service()).ok_or(GatewayError::Disabled(route.service()))
    }

    /// Reads the body where the request may be sent again with it, and it is known to be short.
    async fn prepare(
        &self,
        ctx: &CallContext,
        body: RequestBody,
        headers: &HeaderMap,
        harmless: bool,
    ) -> Result<Lending, GatewayError> {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let body = match length {
            Some(length) if harmless && self.settings.retries.is_some() && length <= MOST_KEPT => {
                let patience = ctx.remaining().unwrap_or(Duration::MAX);
                timeout(patience, keep(body, length)).await.map_err(|_| GatewayError::BodySlow)??
            }
            _ => body,
        };
        Ok(Lending::new(body))
    }
}

/// The target below the prefix: the same text, from its path without the prefix on.
fn inner_target(path: &str, whole: &PathAndQuery) -> Result<PathAndQuery, GatewayError> {
    let prefix = whole.path().len().saturating_sub(path.len());
    let inner = whole.as_str().get(prefix..).unwrap_or_default();
    PathAndQuery::try_from(inner).map_err(|error| GatewayError::Target(error.into()))
}

/// Turns away those without an identity where a route is not for everybody. Who they are is for the service to judge.
fn admit(ctx: &CallContext, method: &Method, path: &str) -> Result<(), GatewayError> {
    let permit = match Access::of(method.as_str(), path) {
        Access::Public => Permit::Anyone,
        Access::Identified => Permit::Known,
    };
    Ok(permit.admit(ctx.caller())?)
}
