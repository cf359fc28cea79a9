//! The payment service.

use std::process::ExitCode;

use payment_service::{jobs, start};
use platform_runtime::{About, JobArgument, Program};

const ABOUT: About = About {
    name: "payment-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Payments: checkout, refunds and their recovery",
};

fn main() -> ExitCode {
    Program::new(ABOUT, start)
        .job(
            "--migrate-only",
            JobArgument::None,
            "brings the schema of the store up to date and ends",
            jobs::migrate,
        )
        .main()
}
