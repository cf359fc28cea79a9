//! Make payments and read them.

use actix_web::{HttpResponse, get, http::header, post, web::Data};
use payment_application::{
    PaymentView,
    commands::CreatePayment,
    queries::{GetPayment, GetStats, ListPayments},
};
use platform_http::{Ctx, IdempotencyKeyHeader, JsonBody, PageBody, PathParams, Problem, QueryParams};

use crate::{
    PaymentRoutes,
    body::{ListParams, NewPayment, PageParams, PaymentBody, StatsBody},
    failures::{Always, ForAdministrators, ForItsUser, ForTheUser, WithBody, WithKey},
    keyed::run,
};

/// Starts a payment for what the user's basket holds now, at these prices; they are honoured for 30 minutes.
#[utoipa::path(
    tag = "payments",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and request get the same answer, \
        for 24 hours", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewPayment,
    responses(
        (status = 201, description = "The payment, pending", body = PaymentBody, headers(
            ("Location" = String, description = "Its path"),
            ("Idempotency-Replayed" = String, description = "`true` where the answer was given before"))),
        (status = 409, description = "`basket_empty`: there is nothing to pay; `basket_changed`: the user has another \
            basket now; `price_changed`, `product_unavailable`: look at the basket again; `payment_in_progress`: one for \
            this basket lives; `idempotency_key_in_use`: the first request is still running", body = Problem,
            content_type = "application/problem+json", headers(
            ("Idempotency-Replayed" = String, description = "`true` where the answer was given before"))),
        WithKey, WithBody, ForTheUser, Always,
    )
)]
#[post("/payments")]
pub(crate) async fn create_payment(
    ctx: Ctx,
    key: IdempotencyKeyHeader,
    JsonBody(new): JsonBody<NewPayment>,
    routes: Data<PaymentRoutes>,
) -> Result<HttpResponse, Problem> {
    run(&*routes.use_cases.create_payment, &ctx, key, CreatePayment::from(new), created).await
}

/// Shows a payment.
#[utoipa::path(
    tag = "payments",
    params(("id" = Uuid, Path, description = "The payment's id")),
    responses(
        (status = 200, description = "The payment", body = PaymentBody),
        ForItsUser, Always,
    )
)]
#[get("/payments/{id}")]
pub(crate) async fn get_payment(
    ctx: Ctx,
    PathParams(id): PathParams<String>,
    routes: Data<PaymentRoutes>,
) -> Result<HttpResponse, Problem> {
    let view = routes.use_cases.get_payment.handle(&ctx, GetPayment { id }).await?;
    Ok(HttpResponse::Ok().json(PaymentBody::from(view)))
}

/// Lists payments, newest first: a user's own, or those of all users for an administrator.
#[utoipa::path(
    tag = "payments",
    params(ListParams),
    responses((status = 200, description = "A page", body = PageBody<PaymentBody>), ForTheUser, Always)
)]
#[get("/payments")]
pub(crate) async fn list_payments(
    ctx: Ctx,
    QueryParams(params): QueryParams<ListParams>,
    routes: Data<PaymentRoutes>,
) -> Result<HttpResponse, Problem> {
    list(&ctx, &routes, params.into()).await
}

/// Lists a user's payments, newest first.
#[utoipa::path(
    tag = "payments",
    params(
        ("user_id" = String, Path, description = "Whose", min_length = 1, max_length = 64,
            pattern = "^[A-Za-z0-9._@-]+$"),
        PageParams,
    ),
    responses((status = 200, description = "A page", body = PageBody<PaymentBody>), ForTheUser, Always)
)]
#[get("/users/{user_id}/payments")]
pub(crate) async fn list_user_payments(
    ctx: Ctx,
    PathParams(user_id): PathParams<String>,
    QueryParams(PageParams { limit, cursor }): QueryParams<PageParams>,
    routes: Data<PaymentRoutes>,
) -> Result<HttpResponse, Problem> {
    let query = ListPayments { status: None, user_id: Some(user_id), limit, cursor };
    list(&ctx, &routes, query).await
}

/// Counts and sums all payments.
#[utoipa::path(
    tag = "payments",
    responses((status = 200, description = "The figures", body = StatsBody), ForAdministrators, Always)
)]
#[get("/payments/stats")]
pub(crate) async fn get_stats(ctx: Ctx, routes: Data<PaymentRoutes>) -> Result<HttpResponse, Problem> {
    let stats = routes.use_cases.get_stats.handle(&ctx, GetStats).await?;
    Ok(HttpResponse::Ok().json(StatsBody::from(stats)))
}

async fn list(ctx: &Ctx, routes: &PaymentRoutes, query: ListPayments) -> Result<HttpResponse, Problem> {
    let page = routes.use_cases.list_payments.handle(ctx, query).await?;
    Ok(HttpResponse::Ok().json(PageBody::<PaymentBody>::from(page)))
}

fn created(view: PaymentView) -> HttpResponse {
    let location = format!("/payments/{}", view.id);
    HttpResponse::Created().insert_header((header::LOCATION, location)).json(PaymentBody::from(view))
}
