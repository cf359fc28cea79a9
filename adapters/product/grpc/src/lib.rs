//! The gRPC service of the product context, over the same use cases as the HTTP routes.
//!
//! `proto/product/v1/product.proto` says what there is; a new method is an arm in `service` and, where it has types of
//! its own, their translation in `wire`.

mod service;
#[cfg(test)]
mod tests;
mod wire;

pub use proto::product::v1::product_service_server::ProductServiceServer;
pub use service::ProductGrpc;
