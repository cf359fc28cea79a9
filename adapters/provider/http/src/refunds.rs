//! Refunds.

use actix_web::{HttpResponse, get, post, web::Data};
use platform_http::{Ctx, IdempotencyKeyHeader, JsonBody, PathParams, Problem};
use provider_application::{commands::refund_charge::RefundCharge, queries::get_refund::GetRefund};

use crate::{
    ProviderRoutes,
    body::{NewRefund, RefundBody},
    charges::minor,
    failures::{Always, WithBody, WithParameters},
};

/// Refunds once per key, in parts up to what was captured.
#[utoipa::path(
    tag = "refunds",
    params(("Idempotency-Key" = String, Header, description = "One refund per key, forever", min_length = 1,
        max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewRefund,
    responses(
        (status = 200, description = "The refund", body = RefundBody),
        (status = 404, description = "`charge_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`amount_exceeds_charge` or `charge_not_captured`", body = Problem, content_type = "application/problem+json"),
        WithBody,
        Always,
    )
)]
#[post("/refunds")]
pub(crate) async fn create_refund(
    ctx: Ctx,
    key: IdempotencyKeyHeader,
    JsonBody(body): JsonBody<NewRefund>,
    routes: Data<ProviderRoutes>,
) -> Result<HttpResponse, Problem> {
    let amount_minor = minor(&body.amount)?;
    let key = key.0.unwrap_or_default();
    let command = RefundCharge { key, charge_id: body.charge_id, amount_minor };
    let refund = routes.refund_charge.handle(&ctx, command).await?;
    Ok(HttpResponse::Ok().json(RefundBody::from(refund)))
}

/// The refund made under a key.
#[utoipa::path(
    tag = "refunds",
    params(("key" = String, Path, description = "The idempotency key", min_length = 1, max_length = 255,
        pattern = "^[!-~]+$")),
    responses(
        (status = 200, description = "The refund", body = RefundBody),
        (status = 404, description = "`refund_not_found`", body = Problem, content_type = "application/problem+json"),
        WithParameters,
        Always,
    )
)]
#[get("/refunds/by-key/{key}")]
pub(crate) async fn get_refund(
    ctx: Ctx,
    PathParams(key): PathParams<String>,
    routes: Data<ProviderRoutes>,
) -> Result<HttpResponse, Problem> {
    let refund = routes.get_refund.handle(&ctx, GetRefund { key }).await?;
    Ok(HttpResponse::Ok().json(RefundBody::from(refund)))
}
