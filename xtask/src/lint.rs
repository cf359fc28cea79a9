//! `cargo xtask lint`: what a reviewer should not have to say.

use crate::failure::Outcome;
use crate::paint::{Colour, paint, say};
use crate::{architecture, provenance, shell};

/// Formatting, clippy, architecture, licences and sources.
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
    deny().map(drop)
}

pub(crate) fn format() -> Outcome {
    shell::run(&mut shell::cargo(["fmt", "--all", "--check"]))
}

pub(crate) fn clippy() -> Outcome {
    shell::run(&mut shell::cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Licences and sources, as `deny.toml` has them; where cargo-deny is installed, it has its say too.
pub(crate) fn deny() -> Outcome<String> {
    let checked = provenance::check()?;
    let more = if shell::which("cargo-deny").is_some() {
        shell::run(&mut shell::cargo(["deny", "check", "bans", "licenses", "sources"]))?;
        "cargo-deny agrees"
    } else {
        "no cargo-deny, so bans not checked"
    };
    let note = format!("{checked}; {more}");
    say!("{} {note}", paint(Colour::Green, "✓"));
    Ok(note)
}
