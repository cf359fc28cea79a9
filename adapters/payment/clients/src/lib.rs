//! gRPC clients the payment context calls.
