//! Refuse a request whose token is no good.
//!
//! It is taken from the quota of its client's address, as one without a token would be: who tries tokens is soon told to
//! wait, and not what else is wrong.

use std::sync::Arc;

use async_trait::async_trait;
use gateway_domain::{RequestPath, Route, RouteTable, Service, message::TrustedProxies};
use http::Method;
use kernel_application::{CallContext, Command, CommandHandler, Permit};

use super::{report::Report, ways};
use crate::{
    Client, Decider, Fields, ForwardObserver, GatewayError, RateLimiter, Ruling, UpstreamResponse,
    admission::Admission, limiter::class_of,
};

/// Asks to refuse a request.
#[derive(Clone, Debug)]
pub struct RefuseRequest {
    /// The method.
    pub method: Method,
    /// The path as it was sent, still percent-encoded.
    pub path: String,
    /// The headers.
    pub headers: Fields,
    /// Who asks.
    pub client: Client,
}

impl Command for RefuseRequest {
    const NAME: &'static str = "refuse_request";
    type Output = ();
    type Error = GatewayError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Counts. Fails where the client has asked too often, and tells the observer: then that is the answer.
pub struct RefuseRequestHandler {
    limiter: Arc<dyn RateLimiter>,
    observer: Arc<dyn ForwardObserver>,
    proxies: TrustedProxies,
    routes: RouteTable,
}

impl RefuseRequestHandler {
    /// Counts with `limiter`, and believes `proxies` on the addresses of clients.
    pub fn new(
        limiter: Arc<dyn RateLimiter>,
        observer: Arc<dyn ForwardObserver>,
        proxies: TrustedProxies,
    ) -> Self {
        Self { limiter, observer, proxies, routes: RouteTable::standard() }
    }

    fn route(&self, path: &str) -> Option<&Route> {
        self.routes.resolve(RequestPath::parse(path).ok()?).map(|(route, _)| route)
    }

    async fn count(
        &self,
        ctx: &CallContext,
        request: RefuseRequest,
        service: Service,
        limited: &mut Option<Decider>,
    ) -> Result<(), GatewayError> {
        let RefuseRequest { method, headers, mut client, .. } = request;
        client.judge(&self.proxies);
        let admission = Admission { limiter: &*self.limiter, proxies: &self.proxies };
        let class = class_of(service, &method);
        let _: Option<Ruling> = admission.check(ctx, class, || ways(&headers), &client, limited).await?;
        Ok(())
    }
}

#[async_trait]
impl CommandHandler<RefuseRequest> for RefuseRequestHandler {
    async fn handle(&self, ctx: &CallContext, request: RefuseRequest) -> Result<(), GatewayError> {
        let Some(route) = self.route(&request.path) else {
            // What nobody has is counted like a product, and is no name for a figure.
            return self.count(ctx, request, Service::Product, &mut None).await;
        };
        let mut report = Report::new(route, request.method.clone());
        let counted = self.count(ctx, request, route.service(), &mut report.course.limited).await;
        let Err(error) = counted else { return Ok(()) };
        let refused: Result<UpstreamResponse, GatewayError> = Err(error);
        self.observer.ended(ctx, &report.observation(&refused));
        refused.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use gateway_domain::limit::Quota;
    use kernel_application::{Caller, UseCaseError, testing::context};

    use super::*;
    use crate::{LocalRateLimiter, RateCounts, testing::ScriptedBackends};

    struct Rig {
        handler: RefuseRequestHandler,
        observer: Arc<ScriptedBackends>,
    }

    impl Rig {
        fn new(proxies: &str) -> Self {
            let quota = Quota::new(NonZeroU32::MIN, Duration::from_hours(1), NonZeroU32::MIN).unwrap();
            let limiter = Arc::new(LocalRateLimiter::new(RateCounts::new(Some(quota), 100)));
            let observer = Arc::new(ScriptedBackends::default());
            let proxies = TrustedProxies::parse(proxies).unwrap();
            Self {
                handler: RefuseRequestHandler::new(limiter, Arc::clone(&observer) as _, proxies),
                observer,
            }
        }

        async fn refuse(
            &self,
            method: Method,
            path: &str,
            forwarded: &'static str,
        ) -> Result<(), &'static str> {
            let headers = [("x-forwarded-for", forwarded)].into_iter().collect();
            let client = Client { address: Some([10, 0, 0, 1].into()), ..Client::default() };
            let request = RefuseRequest { method, path: path.to_owned(), headers, client };
            let ctx = context().by(Caller::Anonymous);
            self.handler.handle(&ctx, request).await.map_err(|error| error.code())
        }
    }

    #[tokio::test]
    async fn each_class_of_an_address_is_used_up_whatever_the_path() {
        let rig = Rig::new("");
        for (method, path, counted) in [
            (Method::GET, "/api/products/7", Ok(())),
            (Method::GET, "/api/baskets/ada", Err("rate_limited")),
            (Method::HEAD, "/nowhere", Err("rate_limited")),
            (Method::GET, "/api/../x", Err("rate_limited")),
            (Method::POST, "/api/payments", Ok(())),
            (Method::POST, "/api/payments", Err("rate_limited")),
            (Method::PUT, "/nowhere", Ok(())),
            (Method::DELETE, "/api/products/7", Err("rate_limited")),
        ] {
            assert_eq!(rig.refuse(method.clone(), path, "1.2.3.4").await, counted, "{method} {path}");
        }
        let ended =
            ["/baskets/*", "/payments/*", "/products/*"].map(|route| format!("{route} - 0 rate_limited"));
        assert_eq!(rig.observer.ended(), ended);
        assert_eq!(rig.observer.limited(), [Decider::Local; 3]);
    }

    #[tokio::test]
    async fn a_trusted_proxy_says_whose_it_is() {
        let rig = Rig::new("10.0.0.0/8");
        for (forwarded, counted) in
            [("1.2.3.4", Ok(())), ("1.2.3.5", Ok(())), ("6.6.6.6, 1.2.3.5", Err("rate_limited"))]
        {
            assert_eq!(rig.refuse(Method::GET, "/api/products", forwarded).await, counted, "{forwarded}");
        }
    }
}
