//! `cargo xtask lint`: what a reviewer should not have to say.

use crate::architecture;
use crate::failure::Outcome;
use crate::paint::{Colour, paint, say};
use crate::shell;

/// Formatting, clippy, architecture and, when installed, cargo-deny.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Format and apply what clippy can mend
    #[arg(long)]
    fix: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    if args.fix {
        shell::run(&mut shell::cargo(["fmt", "--all"]))?;
        shell::run(&mut shell::cargo(["clippy", "--workspace", "--all-targets", "--fix", "--allow-dirty"]))?;
    }
    format()?;
    clippy()?;
    architecture::run(&architecture::Args {})?;
    deny()
}

pub(crate) fn format() -> Outcome {
    shell::run(&mut shell::cargo(["fmt", "--all", "--check"]))
}

pub(crate) fn clippy() -> Outcome {
    shell::run(&mut shell::cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Licences, banned crates and sources, as `deny.toml` has them.
pub(crate) fn deny() -> Outcome {
    if shell::which("cargo-deny").is_none() {
        let hint = "cargo-deny is not installed: licences and sources not checked (cargo install cargo-deny)";
        say!("{} {hint}", paint(Colour::Yellow, "–"));
        return Ok(());
    }
    shell::run(&mut shell::cargo(["deny", "check", "bans", "licenses", "sources"]))
}
