//! Commands with an idempotency key in the metadata, and answers that say whether they are old ones.

use kernel_application::{Answered, CallContext, CommandHandler, IdempotentCommand, Keyed};
use payment_application::{PaymentError, PaymentView};
use platform_grpc::status;
use proto::payment::v1::Payment;
use tonic::{
    Response, Status,
    metadata::{MetadataMap, MetadataValue},
};

use crate::wire;

/// Tells an answer that was given before from a new one.
pub(crate) const REPLAYED: &str = "idempotency-replayed";

/// Runs `command`; `reply` puts the payment into the method's message.
pub(crate) async fn run<C, R>(
    handler: &dyn CommandHandler<Keyed<C>>,
    ctx: &CallContext,
    key: Option<String>,
    command: C,
    reply: fn(Option<Payment>) -> R,
) -> Result<Response<R>, Status>
where
    C: IdempotentCommand<Output = PaymentView, Error = PaymentError>,
{
    let answered = handler.handle(ctx, Keyed::new(ctx, key, command)).await;
    let Answered { result, replayed } = answered.map_err(|error| status(&error))?;
    match result {
        Ok(view) => {
            let mut response = Response::new(reply(Some(wire::payment(view))));
            mark(response.metadata_mut(), replayed);
            Ok(response)
        }
        Err(error) => {
            let mut failed = status(&error);
            mark(failed.metadata_mut(), replayed);
            Err(failed)
        }
    }
}

fn mark(metadata: &mut MetadataMap, replayed: bool) {
    if replayed {
        metadata.insert(REPLAYED, MetadataValue::from_static("true"));
    }
}
