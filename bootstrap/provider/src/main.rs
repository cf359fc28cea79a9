//! The provider sandbox.

use std::process::ExitCode;

fn main() -> ExitCode {
    platform_runtime::main(provider_service::ABOUT, provider_service::start)
}
