//! gRPC clients the basket context calls.
//!
//! One file per peer. Deadline, retries, breaker and metrics are `platform-grpc`'s; a file here says what to ask and
//! what the answer means.

mod catalog;

pub use catalog::{GrpcProductCatalog, GrpcProductCatalogParameters};
