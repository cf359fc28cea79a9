//! The gateway service: configuration, resources, module, server.

mod admin;
mod certificates;
mod config;
mod grpc;
mod module;
mod resources;
mod server;

use platform_runtime::About;

pub use config::Config;
pub use server::start;

/// What the binary says of itself.
pub const ABOUT: About = About {
    name: "gateway-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "The one door for clients: forwards /api/products, /api/baskets, /api/payments, \
                  /api/users/{user_id}/payments and /api/notifications to the services, without the prefix",
};
