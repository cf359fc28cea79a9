//! The basket service.

use std::process::ExitCode;

use basket_service::{jobs, start};
use platform_events::dead_letters;
use platform_runtime::{About, Program};

const ABOUT: About = About {
    name: "basket-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Baskets: what users mean to buy",
};

fn main() -> ExitCode {
    dead_letters::jobs(Program::new(ABOUT, start), jobs::dead_letters).main()
}
