//! `cargo xtask install-deps`: the optional tools, ahead of their first use.

use crate::failure::Outcome;
use crate::paint::{Colour, paint, say};
use crate::tools;

/// Install the pinned optional tools (buf, schemathesis) under target/tools.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Outcome {
    for program in [tools::buf()?, tools::schemathesis()?] {
        say!("{} {}", paint(Colour::Green, "✓"), program.display());
    }
    Ok(())
}
