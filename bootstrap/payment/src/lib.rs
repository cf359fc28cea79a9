//! The payment service: configuration, resources, module, server.
