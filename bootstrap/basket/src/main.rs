//! The basket service.

use std::process::ExitCode;

use basket_service::start;
use platform_runtime::About;

const ABOUT: About = About {
    name: "basket-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Baskets: what users mean to buy",
};

fn main() -> ExitCode {
    platform_runtime::main(ABOUT, start)
}
