//! gRPC clients the payment context calls.
//!
//! One file per peer. Deadline, retries, breaker and metrics are `platform-grpc`'s; a file here says what to ask and
//! what the answer means. The peers themselves are health checks.

mod baskets;
mod failure;
mod products;

pub use baskets::{GrpcBaskets, GrpcBasketsParameters};
pub use products::{GrpcProducts, GrpcProductsParameters};
