//! The notification service.

use std::process::ExitCode;

use notification_service::start;
use platform_runtime::About;

const ABOUT: About = About {
    name: "notification-service",
    version: env!("CARGO_PKG_VERSION"),
    description: "Notifications: tells users what became of their payments",
};

fn main() -> ExitCode {
    platform_runtime::main(ABOUT, start)
}
