//! The state of every backend, for people.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, get, web::Data};
use gateway_application::queries::check_backends::{BackendView, CheckBackends, ServiceView};
use kernel_application::QueryHandler;
use platform_http::{Ctx, Problem, Status};
use serde::Serialize;
use tokio::{sync::Mutex, time::Instant};
use utoipa::ToSchema;

use crate::problem::problem;

/// Every service and each of its backends.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetailedBody {
    /// `up` where every backend of every service that is switched on is.
    status: Status,
    services: Vec<ServiceBody>,
}

/// A service.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceBody {
    #[schema(example = "product")]
    name: &'static str,
    /// Whether its routes are served; the backends of one that is switched off are not shown.
    enabled: bool,
    backends: Vec<BackendBody>,
}

/// A backend.
#[derive(Debug, Serialize, ToSchema)]
struct BackendBody {
    #[schema(example = "http://product-service:8080")]
    url: String,
    /// Its share of the requests.
    weight: u16,
    status: Status,
    /// Whether the balancer sends it requests: `ready`, `warming`, `down`, `ejected` or `draining`.
    #[schema(example = "ready")]
    condition: &'static str,
    /// How long its readiness took to ask.
    latency_ms: u64,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// How long an answer holds. Anybody may ask, and each question is one to every backend.
const FRESH: Duration = Duration::from_secs(1);

/// The last answer of a worker. Who asks while it is being made waits for it.
#[derive(Default)]
pub(crate) struct Last(Mutex<Option<(Instant, Arc<DetailedBody>)>>);

/// Asks every backend whether it is ready, and shows status and latency of each, as of the last second. Always 200: the
/// status is inside.
#[utoipa::path(tag = "operations", responses((status = 200, description = "All backends", body = DetailedBody),
    (status = 503, description = "Too many requests; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[get("/health/detailed")]
pub(crate) async fn detailed(
    ctx: Ctx,
    check_backends: Data<dyn QueryHandler<CheckBackends>>,
    last: Data<Last>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(&*last.or_ask(&ctx, &**check_backends).await?))
}

impl Last {
    async fn or_ask(
        &self,
        ctx: &Ctx,
        check_backends: &dyn QueryHandler<CheckBackends>,
    ) -> Result<Arc<DetailedBody>, Problem> {
        let mut last = self.0.lock().await;
        if let Some((made, body)) = &*last
            && made.elapsed() < FRESH
        {
            return Ok(Arc::clone(body));
        }
        let services = check_backends.handle(ctx, CheckBackends).await.map_err(|error| problem(&error))?;
        let body = Arc::new(DetailedBody::from(services));
        *last = Some((Instant::now(), Arc::clone(&body)));
        Ok(body)
    }
}

impl From<Vec<ServiceView>> for DetailedBody {
    fn from(services: Vec<ServiceView>) -> Self {
        let healthy =
            |service: &ServiceView| service.backends.iter().all(|backend| backend.problem.is_none());
        let status = if services.iter().all(healthy) { Status::Up } else { Status::Down };
        Self { status, services: services.into_iter().map(ServiceBody::from).collect() }
    }
}

impl From<ServiceView> for ServiceBody {
    fn from(ServiceView { name, enabled, backends }: ServiceView) -> Self {
        Self { name, enabled, backends: backends.into_iter().map(BackendBody::from).collect() }
    }
}

impl From<BackendView> for BackendBody {
    fn from(BackendView { url, weight, condition, latency, problem }: BackendView) -> Self {
        let status = if problem.is_none() { Status::Up } else { Status::Down };
        let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        Self { url, weight, status, condition, latency_ms, detail: problem }
    }
}
