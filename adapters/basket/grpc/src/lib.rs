//! gRPC service of the basket context.
