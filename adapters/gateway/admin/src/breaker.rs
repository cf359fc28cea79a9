//! Circuit breakers.

use actix_web::{HttpResponse, get, http::StatusCode, put, web::Data};
use gateway_application::{
    commands::administer::{Administer, Order},
    queries::show_balancer::ShowBalancer,
};
use platform_http::{Ctx, IfMatch, JsonBody, PathParams, Problem, etag};

use crate::{
    AdminRoutes,
    balancer::{balancer, find},
    body::{BreakerBody, BreakerStateBody, BreakersBody},
    failures::{Always, Changing, OfService, WithBody},
};

/// The breakers of a service, one for each backend.
#[utoipa::path(tag = "circuit breaker", params(("service" = String, Path, example = "product")), responses(
    (status = 200, description = "The breakers", body = BreakersBody, headers(("ETag" = String))), OfService, Always))]
#[get("/admin/circuitbreaker/{service}")]
pub(crate) async fn show_breakers(
    ctx: Ctx,
    PathParams(service): PathParams<String>,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let view = routes.show_balancer.handle(&ctx, ShowBalancer { service }).await?;
    Ok(HttpResponse::Ok().insert_header(etag(view.version)).json(BreakersBody::from(view)))
}

/// Holds a breaker open (`forced_open`), or closes it and forgets its failures (`closed`).
#[utoipa::path(tag = "circuit breaker", request_body = BreakerStateBody, params(
    ("service" = String, Path, example = "product"),
    ("backend" = String, Path, description = "Its id: host and port, or `name@host:port`", example = "10.0.0.7:8080"),
    ("If-Match" = Option<String>, Header)), responses(
    (status = 200, description = "The breaker as it is now", body = BreakerBody, headers(("ETag" = String))),
    OfService, Changing, WithBody, Always))]
#[put("/admin/circuitbreaker/{service}/backends/{backend}")]
pub(crate) async fn switch_breaker(
    ctx: Ctx,
    PathParams((service, backend)): PathParams<(String, String)>,
    IfMatch(expected): IfMatch,
    JsonBody(BreakerStateBody { state }): JsonBody<BreakerStateBody>,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let order = Order::SwitchBreaker { service, backend: backend.clone(), state };
    let view = balancer(routes.administer.handle(&ctx, Administer { order, expected }).await?)?;
    let (version, found) = find(view, |known| known.backend.eq_ignore_ascii_case(&backend))?;
    let gone = || Problem::new(StatusCode::NOT_FOUND, "unknown_backend", "the backend has no breaker");
    let body = BreakerBody::of(found).ok_or_else(gone)?;
    Ok(HttpResponse::Ok().insert_header(etag(version)).json(body))
}
