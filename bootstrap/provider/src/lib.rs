//! The provider service: configuration, resources, module, server.
