//! `cargo xtask build`: the service binaries.
//!
//! Everything is built with the same selection, `--workspace --exclude xtask`, narrowed by targets only: cargo
//! chooses the features of libraries by what is selected, and another selection would build them all again.

use crate::catalogue::{self, Address};
use crate::failure::Outcome;
use crate::interrupt::Interrupt;
use crate::shell;

/// What all builds and tests of the services select.
pub(crate) const SELECTION: [&str; 3] = ["--workspace", "--exclude", "xtask"];

/// Build all service binaries.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// With optimizations
    #[arg(long)]
    release: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    services(&catalogue::addresses(&[]), args.release, &Interrupt::default())
}

/// The binaries of these services; cargo shows its progress.
pub(crate) fn services(addresses: &[Address], release: bool, interrupt: &Interrupt) -> Outcome {
    let services = addresses.iter().filter(|address| address.replica == 1);
    let binaries = services.flat_map(|address| ["--bin", address.service.binary]);
    let mut command = shell::cargo(["build"].into_iter().chain(SELECTION).chain(binaries));
    if release {
        command.arg("--release");
    }
    shell::run_until(&mut command, interrupt)
}
