//! HTTP routes of the basket context.
