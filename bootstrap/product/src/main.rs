//! The product service.

use std::process::ExitCode;

use platform_runtime::About;
use product_service::start;

const ABOUT: About = About {
    name: "product-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Products: the catalogue and its stock",
};

fn main() -> ExitCode {
    platform_runtime::main(ABOUT, start)
}
