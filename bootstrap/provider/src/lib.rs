//! The provider sandbox: configuration, resources, module, server.

mod config;
mod module;
mod resources;
mod server;

use platform_runtime::About;

pub use config::Config;
pub use server::start;

/// What the binary says of itself.
pub const ABOUT: About = About {
    name: "provider-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "A payment provider to develop and test against, with a ledger that lasts and tokens that misbehave",
};
