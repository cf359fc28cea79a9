//! The payment service: configuration, resources, module, server.
//!
//! `main.rs` hands [`start`] to the runtime; tests call it with an environment of their own.

mod config;
pub mod jobs;
mod module;
mod resources;
mod server;
mod workers;

pub use config::Config;
pub use server::start;
