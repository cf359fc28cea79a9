//! The gateway service: configuration, resources, module, server.
