//! `cargo xtask docs`: the API documentation, with broken links and other warnings as errors.

use crate::failure::Outcome;
use crate::shell;

/// Build the API documentation, with warnings as errors.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// Show it in a browser
    #[arg(long)]
    open: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut command = shell::cargo(["doc", "--workspace", "--no-deps"]);
    if args.open {
        command.arg("--open");
    }
    shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}
