//! The notification service.

use std::process::ExitCode;

use notification_service::{jobs, start};
use platform_events::dead_letters;
use platform_runtime::{About, JobArgument, Program};

const ABOUT: About = About {
    name: "notification-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Notifications: tells users what became of their payments",
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
