//! The payment service.

use std::process::ExitCode;

use payment_service::start;
use platform_runtime::About;

const ABOUT: About = About {
    name: "payment-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Payments: checkout, refunds and their recovery",
};

fn main() -> ExitCode {
    platform_runtime::main(ABOUT, start)
}
