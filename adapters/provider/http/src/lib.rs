//! HTTP routes of the provider context.
