//! The gateway service.

use std::process::ExitCode;

fn main() -> ExitCode {
    platform_runtime::main(gateway_service::ABOUT, gateway_service::start)
}
