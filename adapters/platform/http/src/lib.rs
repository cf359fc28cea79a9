//! HTTP plumbing: problems, extractors, middleware, health, metrics and docs routes.
