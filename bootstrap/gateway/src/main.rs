//! The gateway service.

use std::process::ExitCode;

use platform_runtime::Program;

fn main() -> ExitCode {
    Program::new(gateway_service::ABOUT, gateway_service::start).main()
}
