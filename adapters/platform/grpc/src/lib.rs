//! gRPC plumbing that no context owns: server, call context, status mapping, and clients with deadlines.
//!
//! A `grpc` room implements the generated trait over the application's handlers, in three steps per method:
//!
//! ```text
//! async fn get_product(&self, request: Request<GetProductRequest>) -> Result<Response<GetProductResponse>, Status> {
//!     let ctx = call_context(&request);                               // request id, trace, deadline
//!     let query = GetProduct { id: request.into_inner().id };         // wire to message; `money::read` for amounts
//!     let view = self.get_product.handle(&ctx, query).await.map_err(|error| status(&error))?;
//!     Ok(Response::new(GetProductResponse { product: Some(to_wire(view)) }))
//! }
//! ```
//!
//! Bootstrap serves it: `GrpcServer::new(settings, logger, rpc_metrics).service(ProductServiceServer::new(room))
//! .start(listener, ready, shutdown).await?`. Limits, time-outs, panics, metrics, logs, health and reflection come with it.
//! `GrpcServer::authenticator` finds out who calls; use cases decide whom they let in. A peer is told by
//! [`Peer::with_token`] which service calls it.
//! Statuses are made by [`status()`] and [`invalid`] only: a bare `Status::internal` is taken for a malformed request.
//!
//! A `clients` room holds a [`Peer`] and implements the application's port with it:
//!
//! ```text
//! let request = GetProductRequest { id };
//! let answer = self.peer.call(ctx, Call::safe("GetProduct"), request, |channel, request| async move {
//!     ProductServiceClient::new(channel).get_product(request).await
//! });
//! match answer.await {
//!     Ok(response) => response.product.map(from_wire).transpose(),
//!     Err(error) if error.class() == ErrorClass::NotFound => Ok(None),
//!     Err(error) => Err(unavailable_or_failed(error)),                // `code()` is the peer's own code
//! }
//! ```
//!
//! Mark a call [`Call::safe`] only when repeating it changes nothing: reads, `ReserveStock`, `ReleaseStock`.

mod client;
mod context;
pub mod money;
pub mod number;
mod server;
mod status;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;

pub use client::{
    Breaker, BreakerSettings, Call, ClientMetrics, Peer, PeerAddressError, PeerError, PeerSettings,
};
pub use context::{call_context, idempotency_key};
pub use server::{GrpcServer, RunningServer, ServerError, ServerSettings, Serving};
pub use status::{Fault, FieldFault, INVALID_REQUEST, invalid, status};
