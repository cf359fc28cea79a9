//! The routes every service has: health, metrics, documents.

use actix_web::{
    HttpResponse, get,
    http::header,
    web::{self, Data},
};
use platform_telemetry::Metrics;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::SwaggerUi;

use crate::health::routes as health;

pub(super) fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(health::summary).service(health::live).service(health::ready).service(metrics);
}

/// The document at `/openapi.json`, and a page to read it at `/docs/`, which needs no network.
pub(super) fn documents(cfg: &mut web::ServiceConfig, api: OpenApi) {
    cfg.route("/docs", web::get().to(to_docs))
        .service(SwaggerUi::new("/docs/{tail:.*}").url("/openapi.json", api));
}

/// Figures of the process and the service, as OpenMetrics text.
#[utoipa::path(tag = "operations", responses(
    (status = 200, description = "OpenMetrics", body = String, content_type = Metrics::CONTENT_TYPE)))]
#[get("/metrics")]
async fn metrics(metrics: Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, Metrics::CONTENT_TYPE)).body(metrics.encode())
}

/// The page loads its parts from beside itself, so it needs the slash.
async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "docs/")).finish()
}
