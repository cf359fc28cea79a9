//! `cargo xtask servers guard`, which `up` starts beside an instance that has an owner: it outlives a killed owner for
//! as long as it takes to end the servers.

use super::instance::Instance;
use crate::failure::Outcome;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// Watch the owner of an instance, and end the instance with it.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The folder of the instance
    folder: PathBuf,
}

pub(super) fn run(args: &Args) -> Outcome {
    let instance = Instance::at(&args.folder);
    let owner = || instance.about().and_then(|about| about.owner);
    let Some(mine) = owner() else { return Ok(()) };
    // A durable instance may have got a next owner, who brought a guard of their own.
    while owner().as_ref() == Some(&mine) {
        if !mine.alive() {
            return instance.down();
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
