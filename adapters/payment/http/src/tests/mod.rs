//! The routes over the application on fakes.

mod actions;
mod callbacks;
mod client;
mod document;
mod idempotency;
mod identity;
mod payments;
