//! The gateway service.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use platform_runtime::Program;

/// A request takes and returns about a hundred small pieces of memory, on several threads: a fifth of the time with the
/// system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    Program::new(gateway_service::ABOUT, gateway_service::start).main()
}
