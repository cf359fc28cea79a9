//! `cargo xtask dev`: what a day of work starts with.

use crate::failure::Outcome;
use crate::run_all;

/// `run-all --watch`: run everything, rebuild and restart what changes.
#[derive(clap::Args, Debug)]
#[group(id = "dev")]
pub(crate) struct Args {
    #[command(flatten)]
    run_all: run_all::Args,
}

pub(crate) fn run(args: Args) -> Outcome {
    run_all::run(&run_all::Args { watch: true, ..args.run_all })
}
