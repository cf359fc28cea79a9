//! Charges.

use std::time::Duration;

use actix_web::{HttpResponse, get, http::StatusCode, post, web::Data};
use kernel_domain::Currency;
use platform_http::{Ctx, IdempotencyKeyHeader, JsonBody, MoneyText, PathParams, Problem, Stopping};
use provider_application::{
    commands::create_charge::{ChargeAnswer, CreateCharge},
    queries::get_charge::GetCharge,
};

use crate::{
    ProviderRoutes,
    body::{ChargeBody, NewCharge},
    failures::{Always, WithBody, WithParameters},
};

/// Charges once per key: a repeat answers the first charge, whatever became of its own answer.
///
/// Each charge with a `callback_url` is reported there: `{event_id, key, charge_id, status, failure_code?, sequence}`,
/// signed in `X-Provider-Signature: t=<unix>,v1=<hex of HMAC-SHA256(secret, t + "." + body)>`. A callback that is not
/// answered with 2xx is sent again, up to 6 times. `tok_callback_twice` sends the sequence numbers 2, 1 and 2 again, the
/// last with the first one's `event_id`.
#[utoipa::path(
    tag = "charges",
    params(("Idempotency-Key" = String, Header, description = "One charge per key, forever", min_length = 1,
        max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewCharge,
    responses(
        (status = 200, description = "The charge, captured or declined", body = ChargeBody),
        WithBody,
        Always,
    )
)]
#[post("/charges")]
pub(crate) async fn create_charge(
    ctx: Ctx,
    key: IdempotencyKeyHeader,
    JsonBody(body): JsonBody<NewCharge>,
    stopping: Stopping,
    routes: Data<ProviderRoutes>,
) -> Result<HttpResponse, Problem> {
    let command = CreateCharge {
        key: key.0.unwrap_or_default(),
        amount_minor: minor(&body.amount)?,
        currency: body.currency,
        method: body.method,
        token: body.token,
        reference: body.reference,
        callback_url: body.callback_url,
    };
    match routes.create_charge.handle(&ctx, command).await? {
        ChargeAnswer::Given { charge, hold } => {
            wait(hold, stopping).await;
            Ok(HttpResponse::Ok().json(ChargeBody::from(charge)))
        }
        ChargeAnswer::Lost => {
            let detail = "this failure was asked for by the token";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "simulated_failure", detail))
        }
    }
}

/// The charge made under a key.
#[utoipa::path(
    tag = "charges",
    params(("key" = String, Path, description = "The idempotency key", min_length = 1, max_length = 255,
        pattern = "^[!-~]+$")),
    responses(
        (status = 200, description = "The charge", body = ChargeBody),
        (status = 404, description = "`charge_not_found`", body = Problem, content_type = "application/problem+json"),
        WithParameters,
        Always,
    )
)]
#[get("/charges/by-key/{key}")]
pub(crate) async fn get_charge(
    ctx: Ctx,
    PathParams(key): PathParams<String>,
    routes: Data<ProviderRoutes>,
) -> Result<HttpResponse, Problem> {
    let charge = routes.get_charge.handle(&ctx, GetCharge { key }).await?;
    Ok(HttpResponse::Ok().json(ChargeBody::from(charge)))
}

/// The hundredths of an amount: every currency here has two places.
pub(crate) fn minor(amount: &MoneyText) -> Result<i64, Problem> {
    let money =
        amount.to_money("amount", Currency::USD).map_err(|violation| Problem::invalid([&violation]))?;
    Ok(money.minor())
}

/// Holds an answer back, but never holds up a stop.
async fn wait(hold: Duration, Stopping(mut stopping): Stopping) {
    if hold.is_zero() {
        return;
    }
    let stopped = async move {
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = tokio::time::sleep(hold) => {}
        () = stopped => {}
    }
}
