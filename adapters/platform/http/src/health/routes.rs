//! The routes probes ask.

use actix_web::{
    HttpResponse, get,
    http::{StatusCode, header},
    web::Data,
};

use super::{Health, Report, Status};

/// How the service and each dependency are.
#[utoipa::path(tag = "operations", responses(
    (status = 200, description = "All is well", body = Report),
    (status = 503, description = "A dependency is away, or the service is stopping", body = Report)))]
#[get("/health")]
pub(crate) async fn summary(health: Data<Health>) -> HttpResponse {
    answer(&health.report().await)
}

/// Whether the process runs; never asks a dependency, because a restart would not bring one back.
#[utoipa::path(tag = "operations", responses((status = 200, description = "The process runs")))]
#[get("/health/live")]
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": Status::Up }))
}

/// Whether the service wants traffic.
#[utoipa::path(tag = "operations", responses(
    (status = 200, description = "Ready", body = Report),
    (status = 503, description = "Not ready: a dependency is away, or the service is stopping", body = Report)))]
#[get("/health/ready")]
pub(crate) async fn ready(health: Data<Health>) -> HttpResponse {
    answer(&health.report().await)
}

fn answer(report: &Report) -> HttpResponse {
    if report.status == Status::Up {
        return HttpResponse::Ok().json(report);
    }
    HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
        .insert_header((header::RETRY_AFTER, "1"))
        .json(report)
}
