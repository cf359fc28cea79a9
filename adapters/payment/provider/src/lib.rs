//! HTTP client of the payment provider.
