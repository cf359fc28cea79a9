//! HTTP routes of the payment context.
