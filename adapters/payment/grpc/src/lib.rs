//! gRPC service of the payment context.
//!
//! [`PaymentRoom`] implements the generated trait over the application's use cases; a new method is a method there, what
//! its messages look like is in `wire`, and idempotency keys are in `keyed`.

mod keyed;
mod service;
#[cfg(test)]
mod tests;
mod wire;

pub use proto::payment::v1::payment_service_server::PaymentServiceServer;
pub use service::PaymentRoom;
