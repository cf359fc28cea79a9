//! Forward a request to a backend of the service that its path belongs to.
//!
//! The way of a request: route, rate limit, body (kept if it may be sent again), then `attempts` until one ends well or
//! no other makes sense. A further step belongs into `ForwardHandler::forward`; how it ends is always reported.

mod attempts;
mod deadline;
mod location;
mod report;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use gateway_domain::{
    API_PREFIX, RequestPath, Route, RouteTable,
    limit::{Decision, LimitKey, LimitedClient},
    message::TrustedProxies,
    retry::{Repeatable, RetryRules},
};
use http::{HeaderMap, HeaderName, Method, header::CONTENT_LENGTH, uri::PathAndQuery};
use kernel_application::{CallContext, Command, CommandHandler};
use report::Report;
use shaku::Component;
use tokio::time::timeout;

use crate::{
    Client, ForwardObserver, GatewayError, RateLimiter, RequestBody, UpstreamClient, UpstreamRequest,
    UpstreamResponse, Upstreams,
    body::{Lending, MOST_KEPT, keep},
    limiter::{class_of, rate_limit_headers},
    upstreams::Upstream,
};

/// A client's request.
pub struct Forward {
    /// The method.
    pub method: Method,
    /// The path as it was sent, still percent-encoded.
    pub path: String,
    /// The query as it was sent, without the question mark.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: RequestBody,
    /// Who asks.
    pub client: Client,
}

impl Command for Forward {
    const NAME: &'static str = "forward";
    type Output = UpstreamResponse;
    type Error = GatewayError;
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
        let path = RequestPath::parse(&request.path)?;
        let (route, inner) = self.routes.resolve(path).ok_or(GatewayError::UnknownRoute)?;
        let target = target(inner, request.query.as_deref())?;
        let mut report = Report::new(route, request.method.clone());
        let result = self.forward(ctx, route, target, request, &mut report).await;
        self.observer.ended(ctx, &report.observation(&result));
        result
    }
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

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
        let decision = self.check_rate(route, &method, &headers, &client).await?;
        let upstream = self.upstream(route)?;
        let ctx = deadline::shortened(ctx, &mut headers);
        let harmless = Repeatable::is_harmless(method.as_str(), headers.contains_key(IDEMPOTENCY_KEY));
        let body = self.prepare(&ctx, body, &headers, harmless).await?;
        let request = UpstreamRequest { method, target, prefix: API_PREFIX, headers, client };
        let mut response = self.attempts(&ctx, upstream, &request, harmless, &body, report).await?;
        location::make_public(&self.routes, &mut response.headers);
        if let Some(decision) = decision {
            response.headers.extend(rate_limit_headers(&decision));
        }
        Ok(response)
    }

    fn upstream(&self, route: &Route) -> Result<&Upstream, GatewayError> {
        self.upstreams.of(route.service()).ok_or(GatewayError::Disabled(route.service()))
    }

    async fn check_rate(
        &self,
        route: &Route,
        method: &Method,
        headers: &HeaderMap,
        client: &Client,
    ) -> Result<Option<Decision>, GatewayError> {
        let Some(peer) = client.address else { return Ok(None) };
        // Nearly always nobody is trusted, and the header is not even looked at.
        let address = if client.trusted {
            let lines: Vec<_> =
                headers.get_all(X_FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
            self.settings.proxies.client_address(peer, lines)
        } else {
            peer
        };
        let key = LimitKey { client: LimitedClient::at(address), class: class_of(route.service(), method) };
        match self.limiter.check(key).await {
            Some(decision) if !decision.is_allowed() => Err(GatewayError::RateLimited(decision)),
            decision => Ok(decision),
        }
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

fn target(path: &str, query: Option<&str>) -> Result<PathAndQuery, GatewayError> {
    let target = match query {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    target.map_err(|error| GatewayError::Target(error.into()))
}
