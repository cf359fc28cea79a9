//! The gateway as a whole, its services, and what was changed.

use actix_web::{HttpResponse, get, web::Data};
use gateway_application::queries::{read_audit::ReadAudit, show_status::ShowStatus};
use platform_http::{Ctx, Problem, QueryParams, etag};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AdminRoutes,
    body::{AuditBody, ServicesBody, StatusBody},
    failures::Always,
};

/// The gateway: version, limits, requests under way, services in short, and what it was started with.
#[utoipa::path(tag = "overview", responses(
    (status = 200, description = "The gateway", body = StatusBody, headers(("ETag" = String))), Always))]
#[get("/admin/status")]
pub(crate) async fn show_status(ctx: Ctx, routes: Data<AdminRoutes>) -> Result<HttpResponse, Problem> {
    let view = routes.show_status.handle(&ctx, ShowStatus).await?;
    let body = StatusBody::new(&view, routes.about, &routes.configuration);
    Ok(HttpResponse::Ok().insert_header(etag(view.version)).json(body))
}

/// Every service with all of its backends.
#[utoipa::path(tag = "overview", responses(
    (status = 200, description = "All services", body = ServicesBody, headers(("ETag" = String))), Always))]
#[get("/admin/services")]
pub(crate) async fn list_services(ctx: Ctx, routes: Data<AdminRoutes>) -> Result<HttpResponse, Problem> {
    let view = routes.show_status.handle(&ctx, ShowStatus).await?;
    Ok(HttpResponse::Ok().insert_header(etag(view.version)).json(ServicesBody::from(view)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditParams {
    /// How many changes; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
}

/// The last changes of operators, the newest first. A thousand are remembered as long as the process runs; the log has
/// all of them.
#[utoipa::path(tag = "overview", params(AuditParams), responses(
    (status = 200, description = "The changes", body = AuditBody),
    (status = 422, description = "`validation_failed`", body = Problem, content_type = "application/problem+json"),
    Always))]
#[get("/admin/audit")]
pub(crate) async fn read_audit(
    ctx: Ctx,
    QueryParams(AuditParams { limit }): QueryParams<AuditParams>,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let entries = routes.read_audit.handle(&ctx, ReadAudit { limit }).await?;
    Ok(HttpResponse::Ok().json(AuditBody::from(entries)))
}
