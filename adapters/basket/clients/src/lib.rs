//! gRPC clients the basket context calls.
