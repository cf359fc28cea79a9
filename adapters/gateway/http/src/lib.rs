//! HTTP routes of the gateway context.
