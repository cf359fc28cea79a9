//! The provider tells that something happened to a charge.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    post,
    web::{Bytes, Data},
};
use kernel_application::Caller;
use kernel_domain::{Violation, text};
use payment_application::{commands::HandleCallback, process::payment_of_charge};
use platform_http::{Ctx, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{PaymentRoutes, failures::Always};

/// What a callback says. Nothing but that something happened is believed, and what happened is asked of the provider:
/// its other fields are not read.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ProviderCallback {
    /// The callback's id; one that comes again is ignored.
    #[schema(min_length = 1, max_length = 200)]
    event_id: String,
    /// The charge's idempotency key: the payment's id and `-1`.
    #[schema(example = "01890a5d-ac96-774b-bcce-b302099a8057-1")]
    key: String,
}

/// Takes a signed callback of the payment provider.
#[utoipa::path(
    tag = "provider",
    // The signature says who calls; the provider has no token of the shop's.
    security(()),
    params(("X-Provider-Signature" = String, Header,
        description = "`t=<seconds since 1970>,v1=<hex of HMAC-SHA256(secret, t + \".\" + body)>`, at most 5 minutes old")),
    request_body = ProviderCallback,
    responses(
        (status = 204, description = "Dealt with, now or before"),
        (status = 401, description = "`invalid_signature`; `invalid_token`: none is needed, but the one that was sent \
            does not hold", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`payment_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`concurrent_change`: send it again", body = Problem,
            content_type = "application/problem+json"),
        (status = 400, description = "The body is not JSON", body = Problem,
            content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem,
            content_type = "application/problem+json"),
        Always,
    )
)]
#[post("/provider-callbacks")]
pub(crate) async fn provider_callback(
    ctx: Ctx,
    request: HttpRequest,
    body: Bytes,
    routes: Data<PaymentRoutes>,
) -> Result<HttpResponse, Problem> {
    let signature = request.headers().get(SIGNATURE).and_then(|value| value.to_str().ok());
    routes
        .callbacks
        .check(signature, &body)
        .map_err(|error| Problem::new(StatusCode::UNAUTHORIZED, "invalid_signature", error.to_string()))?;
    // From here on it is the provider's word, whoever brought it.
    let ctx = ctx.0.by(Caller::Trusted);
    routes.use_cases.handle_callback.handle(&ctx, read(&body)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

const SIGNATURE: &str = "X-Provider-Signature";

fn read(body: &[u8]) -> Result<HandleCallback, Problem> {
    let callback: ProviderCallback = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let event_id = text("event_id", &callback.event_id, 1..=200).map_err(|rule| Problem::invalid([&rule]))?;
    let foreign = || Violation::new("key", "unknown_key", "must be the key of a charge of ours");
    let payment = payment_of_charge(&callback.key).ok_or_else(|| Problem::invalid([&foreign()]))?;
    Ok(HandleCallback { event_id, payment_id: payment.to_string() })
}

fn unreadable(error: &serde_json::Error) -> Problem {
    if error.is_data() {
        return Problem::invalid([&Violation::new(
            "body",
            "invalid_value",
            "must be an object with event_id and key",
        )]);
    }
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", "the body is not JSON")
}
