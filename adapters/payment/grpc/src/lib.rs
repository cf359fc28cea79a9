//! gRPC service of the payment context.
