//! The notification service.

use std::process::ExitCode;

use notification_service::{jobs, start};
use platform_runtime::{About, JobArgument, Program};

const ABOUT: About = About {
    name: "notification-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Notifications: tells users what became of their payments",
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
