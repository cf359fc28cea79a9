//! The product service.

use std::process::ExitCode;

use platform_runtime::{About, JobArgument, Program};
use product_service::{jobs, start};

const ABOUT: About = About {
    name: "product-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Products: the catalogue and its stock",
};

fn main() -> ExitCode {
    Program::new(ABOUT, start)
        .job(
            "--migrate-only",
            JobArgument::None,
            "brings the schema of the store up to date and ends",
            jobs::migrate,
        )
        .job(
            "--dlq-list",
            JobArgument::Optional("TOPIC"),
            "shows what could not be processed, and why",
            jobs::list_dead_letters,
        )
        .job(
            "--dlq-replay",
            JobArgument::Required("TOPIC|--all"),
            "sends what could not be processed once more",
            jobs::replay_dead_letters,
        )
        .main()
}
