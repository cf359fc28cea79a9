//! The basket service: configuration, resources, module, server.
