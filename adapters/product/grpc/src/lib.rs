//! gRPC service of the product context.
