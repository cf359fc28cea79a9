//! HTTP client that forwards requests to backends.
