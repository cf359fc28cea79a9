//! HTTP routes of the product context.
