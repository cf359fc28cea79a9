//! The provider sandbox.

use std::process::ExitCode;

use platform_runtime::Program;

fn main() -> ExitCode {
    Program::new(provider_service::ABOUT, provider_service::start).main()
}
