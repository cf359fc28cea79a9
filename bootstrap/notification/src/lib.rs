//! The notification service: configuration, resources, module, server.
