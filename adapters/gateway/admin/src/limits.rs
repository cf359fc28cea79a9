//! The limits of clients.

use actix_web::{HttpResponse, delete, get, http::StatusCode, put, web::Data};
use gateway_application::{
    Changed, RateView,
    commands::administer::{Administer, Order, RateOrder},
    queries::show_rate_limit::ShowRateLimit,
};
use platform_http::{Ctx, IfMatch, JsonBody, Problem, etag};

use crate::{
    AdminRoutes,
    body::{LimitsBody, RateChangeBody},
    failures::{Always, Changing, WithBody},
};

/// The limits of clients. Those of backends are their service's (`/admin/loadbalancer/{service}`).
#[utoipa::path(tag = "limits", responses(
    (status = 200, description = "The limits", body = LimitsBody, headers(("ETag" = String))), Always))]
#[get("/admin/limits")]
pub(crate) async fn show_limits(ctx: Ctx, routes: Data<AdminRoutes>) -> Result<HttpResponse, Problem> {
    Ok(shown(routes.show_rate_limit.handle(&ctx, ShowRateLimit).await?))
}

/// Replaces the rate limit. It holds at once, and everybody starts anew.
#[utoipa::path(tag = "limits", request_body = RateChangeBody, params(("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The limits as they are now", body = LimitsBody,
        headers(("ETag" = String))), Changing, WithBody, Always))]
#[put("/admin/limits/rate")]
pub(crate) async fn limit_rate(
    ctx: Ctx,
    IfMatch(expected): IfMatch,
    JsonBody(change): JsonBody<RateChangeBody>,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let order = Order::LimitRate(rate(&change)?);
    changed(&routes.administer.handle(&ctx, Administer { order, expected }).await?)
}

/// Gives the rate limit back to what is configured.
#[utoipa::path(tag = "limits", params(("If-Match" = Option<String>, Header)), responses(
    (status = 200, description = "The limits as they are now", body = LimitsBody, headers(("ETag" = String))),
    Changing, Always))]
#[delete("/admin/limits/rate")]
pub(crate) async fn forget_rate(
    ctx: Ctx,
    IfMatch(expected): IfMatch,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let order = Order::LimitRate(RateOrder::AsConfigured);
    changed(&routes.administer.handle(&ctx, Administer { order, expected }).await?)
}

fn changed(changed: &Changed) -> Result<HttpResponse, Problem> {
    match changed {
        Changed::Rate(view) => Ok(shown(*view)),
        Changed::Balancer(_) => {
            let detail = "the change was made; read the limits again";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail))
        }
    }
}

fn shown(view: RateView) -> HttpResponse {
    HttpResponse::Ok().insert_header(etag(view.version)).json(LimitsBody::from(view))
}

fn rate(change: &RateChangeBody) -> Result<RateOrder, Problem> {
    match *change {
        RateChangeBody { enabled: false, requests: None, window_ms: None, burst: None } => {
            Ok(RateOrder::Unlimited)
        }
        RateChangeBody {
            enabled: true,
            requests: Some(requests),
            window_ms: Some(window_ms),
            burst: Some(burst),
        } => Ok(RateOrder::Limited { requests, window_ms, burst }),
        RateChangeBody { enabled, .. } => {
            let rule = if enabled {
                "`requests`, `window_ms` and `burst` are needed together"
            } else {
                "a limit that is switched off has no numbers"
            };
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", rule))
        }
    }
}
