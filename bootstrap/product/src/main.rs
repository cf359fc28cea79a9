//! The product service.

use std::process::ExitCode;

use platform_events::dead_letters;
use platform_runtime::{About, JobArgument, Program};
use product_service::{jobs, start};

const ABOUT: About = About {
    name: "product-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Products: the catalogue and its stock",
};

fn main() -> ExitCode {
    let program = Program::new(ABOUT, start).job(
        "--migrate-only",
        JobArgument::None,
        "brings the schema of the store up to date and ends",
        jobs::migrate,
    );
    dead_letters::jobs(program, jobs::dead_letters).main()
}
