//! Forward a request to a backend of the service that its path belongs to.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use gateway_domain::{API_PREFIX, Backend, RequestPath, RouteTable, Service};
use http::{HeaderMap, Method};
use kernel_application::{CallContext, Command, CommandHandler};
use shaku::Component;

use super::location;
use crate::{
    BodyError, Client, ForwardObservation, ForwardObserver, GatewayError, RequestBody, UpstreamClient,
    UpstreamError, UpstreamRequest, UpstreamResponse, Upstreams,
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

/// Finds the route, picks a backend, sends, and tells the observer.
#[derive(Component)]
#[shaku(interface = CommandHandler<Forward>)]
pub struct ForwardHandler {
    #[shaku(inject)]
    client: Arc<dyn UpstreamClient>,
    #[shaku(inject)]
    observer: Arc<dyn ForwardObserver>,
    /// The services and their backends.
    upstreams: Arc<Upstreams>,
    /// The public routes.
    #[shaku(default = RouteTable::standard())]
    routes: RouteTable,
}

#[async_trait]
impl CommandHandler<Forward> for ForwardHandler {
    async fn handle(&self, ctx: &CallContext, request: Forward) -> Result<UpstreamResponse, GatewayError> {
        let path = RequestPath::parse(&request.path)?;
        let (route, inner) = self.routes.resolve(path).ok_or(GatewayError::UnknownRoute)?;
        let service = route.service();
        let backend = self.upstreams.of(service).pick().ok_or(GatewayError::Disabled(service))?;
        let request = UpstreamRequest {
            target: target(inner, request.query.as_deref()),
            method: request.method,
            prefix: API_PREFIX,
            headers: request.headers,
            body: request.body,
            client: request.client,
        };
        let mut response = self.send(ctx, service, backend, request).await?;
        location::make_public(&self.routes, &mut response.headers);
        Ok(response)
    }
}

impl ForwardHandler {
    /// What a module needs to build the handler: the backends, beside the routes of the public API.
    pub fn parameters(upstreams: Arc<Upstreams>) -> ForwardHandlerParameters {
        ForwardHandlerParameters { upstreams, routes: RouteTable::standard() }
    }

    async fn send(
        &self,
        ctx: &CallContext,
        service: Service,
        backend: &Backend,
        request: UpstreamRequest,
    ) -> Result<UpstreamResponse, GatewayError> {
        let start = Instant::now();
        let result = self.client.send(ctx, backend, request).await;
        let status = result.as_ref().ok().map(|response| response.status);
        if !matches!(result, Err(UpstreamError::RequestBody(_))) {
            self.observer.observe(&ForwardObservation { service, backend, status, elapsed: start.elapsed() });
        }
        result.map_err(|error| failure(service, backend, error))
    }
}

fn target(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn failure(service: Service, backend: &Backend, error: UpstreamError) -> GatewayError {
    let backend = backend.to_string();
    match error {
        UpstreamError::Connect(source) => GatewayError::Unreachable { service, backend, source },
        UpstreamError::Target(source) => GatewayError::Target(source),
        UpstreamError::Exchange(source) => GatewayError::BadAnswer { service, backend, source },
        UpstreamError::TimedOut(stage) => GatewayError::TimedOut { service, backend, stage },
        UpstreamError::RequestBody(BodyError::TooLarge) => GatewayError::BodyTooLarge,
        UpstreamError::RequestBody(BodyError::Broken) => GatewayError::BodyBroken,
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::context;

    use super::*;
    use crate::testing::{ScriptedBackends, settings};

    fn handler(backends: &Arc<ScriptedBackends>, disable_product: bool) -> ForwardHandler {
        let mut settings = settings("http://a:1,http://b:1");
        settings.product.enabled = !disable_product;
        ForwardHandler {
            client: Arc::clone(backends) as _,
            observer: Arc::clone(backends) as _,
            upstreams: Arc::new(Upstreams::new(settings)),
            routes: RouteTable::standard(),
        }
    }

    fn get(path: &str, query: Option<&str>) -> Forward {
        Forward {
            method: Method::GET,
            path: path.into(),
            query: query.map(Into::into),
            headers: HeaderMap::new(),
            body: RequestBody::Empty,
            client: Client::default(),
        }
    }

    #[tokio::test]
    async fn requests_go_round_the_backends_without_the_prefix() {
        let backends = Arc::new(ScriptedBackends::default());
        let handler = handler(&backends, false);
        handler.handle(&context(), get("/api/products/7", None)).await.unwrap();
        handler.handle(&context(), get("/api/products", Some("q=a%20b&q"))).await.unwrap();
        assert_eq!(backends.seen(), ["GET a:1/products/7", "GET b:1/products?q=a%20b&q"]);
        assert_eq!(backends.observed(), ["product a:1 200", "product b:1 200"]);
    }

    #[tokio::test]
    async fn nothing_is_sent_for_bad_paths_unknown_routes_and_disabled_services() {
        let backends = Arc::new(ScriptedBackends::default());
        let handler = handler(&backends, true);
        for (path, code) in [
            ("/api/payments/../products", "invalid_path"),
            ("/api/nothing", "unknown_route"),
            ("/api/products", "service_disabled"),
        ] {
            let error = handler.handle(&context(), get(path, None)).await.unwrap_err();
            assert_eq!(kernel_application::UseCaseError::code(&error), code);
        }
        assert!(backends.seen().is_empty());
        assert!(backends.observed().is_empty());
    }

    #[tokio::test]
    async fn a_backend_away_is_an_error_and_is_observed() {
        let backends = Arc::new(ScriptedBackends::with_away(["a:1"]));
        let error =
            handler(&backends, false).handle(&context(), get("/api/baskets/u1", None)).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unreachable { service: Service::Basket, .. }), "{error}");
        assert_eq!(backends.observed(), ["basket a:1 -"]);
    }
}
