//! What may be done with a payment. Nothing else changes its status.

use actix_web::{HttpResponse, post, web::Data};
use payment_application::{
    PaymentStatus, PaymentView,
    commands::{CancelPayment, ProcessPayment, RefundPayment},
};
use platform_http::{Ctx, IdempotencyKeyHeader, PathParams, Problem};

use crate::{
    PaymentRoutes,
    body::{PaymentBody, Process, Refund},
    failures::{Always, ForItsUser, WithBody, WithKey},
    keyed::run,
    optional::OptionalBody,
};

/// Reserves stock and charges. A decline is an answer too: status `failed`, with a `failure_code`.
#[utoipa::path(
    tag = "payments",
    params(
        ("id" = Uuid, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and request get the same answer, for \
            24 hours", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    request_body = Option<Process>,
    responses(
        (status = 200, description = "The payment, completed or failed", body = PaymentBody, headers(
            ("Idempotency-Replayed" = String, description = "`true` where the answer was given before"))),
        (status = 202, description = "The payment, still processing: look again later", body = PaymentBody, headers(
            ("Idempotency-Replayed" = String, description = "`true` where the answer was given before"))),
        (status = 409, description = "`payment_not_pending`: it was cancelled or has expired; `payment_expired`: it does \
            so now; `idempotency_key_in_use`: the first request is still running", body = Problem,
            content_type = "application/problem+json", headers(
            ("Idempotency-Replayed" = String, description = "`true` where the answer was given before"))),
        WithKey, WithBody, ForItsUser, Always,
    )
)]
#[post("/payments/{id}/process")]
pub(crate) async fn process_payment(
    ctx: Ctx,
    key: IdempotencyKeyHeader,
    PathParams(id): PathParams<String>,
    OptionalBody(Process { payment_token }): OptionalBody<Process>,
    routes: Data<PaymentRoutes>,
) -> Result<HttpResponse, Problem> {
    let command = ProcessPayment { id, payment_token };
    run(&*routes.use_cases.process_payment, &ctx, key, command, processed).await
}

/// Gives up a payment that nobody has begun to process.
#[utoipa::path(
    tag = "payments",
    params(
        ("id" = Uuid, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and request get the same answer, for \
            24 hours", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    responses(
        (status = 200, description = "The payment, cancelled", body = PaymentBody, headers(
            ("Idempotency-Replayed" = String, description = "`true` where the answer was given before"))),
        (status = 409, description = "`payment_not_pending`; `idempotency_key_in_use`: the first request is still running",
            body = Problem, content_type = "application/problem+json", headers(
            ("Idempotency-Replayed" = String, description = "`true` where the answer was given before"))),
        WithKey, ForItsUser, Always,
    )
)]
#[post("/payments/{id}/cancel")]
pub(crate) async fn cancel_payment(
    ctx: Ctx,
    key: IdempotencyKeyHeader,
    PathParams(id): PathParams<String>,
    routes: Data<PaymentRoutes>,
) -> Result<HttpResponse, Problem> {
    run(&*routes.use_cases.cancel_payment, &ctx, key, CancelPayment { id }, done).await
}

/// Gives money back: a part, or all that is left where no amount is named. Several times, up to the payment's amount.
///
/// Where the provider does not answer in time, the answer is 202: the refund is carried out later, and shows in
/// `refunded_amount` then.
#[utoipa::path(
    tag = "payments",
    params(
        ("id" = Uuid, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and request get the same answer, for \
            24 hours", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    request_body = Option<Refund>,
    responses(
        (status = 200, description = "The payment", body = PaymentBody, headers(
            ("Idempotency-Replayed" = String, description = "`true` where the answer was given before"))),
        (status = 202, description = "The payment, with the refund still under way: look again later", body = PaymentBody),
        (status = 409, description = "`payment_not_refundable`: there is no money to give back; \
            `refund_exceeds_amount`: less is left; `refund_refused` by the provider; `idempotency_key_in_use`: the first \
            request is still running", body = Problem, content_type = "application/problem+json", headers(
            ("Idempotency-Replayed" = String, description = "`true` where the answer was given before"))),
        WithKey, WithBody, ForItsUser, Always,
    )
)]
#[post("/payments/{id}/refund")]
pub(crate) async fn refund_payment(
    ctx: Ctx,
    key: IdempotencyKeyHeader,
    PathParams(id): PathParams<String>,
    OptionalBody(Refund { amount, reason }): OptionalBody<Refund>,
    routes: Data<PaymentRoutes>,
) -> Result<HttpResponse, Problem> {
    let amount = amount.map(|amount| amount.to_money("amount", routes.currency)).transpose();
    let amount = amount.map_err(|violation| Problem::invalid([&violation]))?;
    run(&*routes.use_cases.refund_payment, &ctx, key, RefundPayment { id, amount, reason }, refunded).await
}

fn processed(view: PaymentView) -> HttpResponse {
    let still = view.status == PaymentStatus::Processing;
    let mut answer = if still { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    answer.json(PaymentBody::from(view))
}

fn refunded(view: PaymentView) -> HttpResponse {
    let mut answer = if view.refund_pending { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    answer.json(PaymentBody::from(view))
}

fn done(view: PaymentView) -> HttpResponse {
    HttpResponse::Ok().json(PaymentBody::from(view))
}
