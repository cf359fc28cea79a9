//! The clients against a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod baskets;
mod products;
mod server;
