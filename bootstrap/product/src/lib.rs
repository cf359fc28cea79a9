//! The product service: configuration, resources, module, server, workers.
//!
//! `main.rs` hands [`start`] to the runtime; tests call it with an environment of their own. A new component is a line
//! in `module`, a new variable a line in `config`, a new thing to await a field in `resources`.

mod config;
pub mod jobs;
mod module;
mod resources;
mod server;
mod workers;

pub use config::Config;
pub use server::start;
