//! The product service: configuration, resources, module, server.
