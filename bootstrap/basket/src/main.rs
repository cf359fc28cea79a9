//! The basket service.

use std::process::ExitCode;

use basket_service::{jobs, start};
use platform_runtime::{About, JobArgument, Program};

const ABOUT: About = About {
    name: "basket-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Baskets: what users mean to buy",
};

fn main() -> ExitCode {
    Program::new(ABOUT, start)
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
