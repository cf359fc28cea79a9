//! The store against a real server, each case on a database of its own.

mod concurrency;
mod contract;
mod plans;
mod schema;
mod support;
