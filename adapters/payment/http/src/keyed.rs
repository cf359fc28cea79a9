//! Commands under an `Idempotency-Key`, and answers that say whether they are old ones.

use actix_web::{
    HttpResponse, ResponseError,
    http::header::{HeaderName, HeaderValue},
};
use kernel_application::{Answered, CommandHandler, IdempotentCommand, Keyed};
use payment_application::{PaymentError, PaymentView};
use platform_http::{Ctx, IdempotencyKeyHeader, Problem};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Runs `command`; `answer` shows the payment, whether it is a new answer or the first one given again. A rejection that
/// is given again is marked as well.
pub(crate) async fn run<C>(
    handler: &dyn CommandHandler<Keyed<C>>,
    ctx: &Ctx,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    command: C,
    answer: fn(PaymentView) -> HttpResponse,
) -> Result<HttpResponse, Problem>
where
    C: IdempotentCommand<Output = PaymentView, Error = PaymentError>,
{
    let Answered { result, replayed } = handler.handle(ctx, Keyed::new(ctx, key, command)).await?;
    let mut response = result.map_or_else(|error| Problem::from(error).error_response(), answer);
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}
