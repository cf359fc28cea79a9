//! `cargo xtask clean`: start over.

use crate::failure::{Context, Failure, Outcome};
use crate::paint::say;
use crate::run_all::session;
use crate::{servers, shell, workspace};
use std::fs;

/// Remove what was built, or only the data of local runs.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Only what runs left behind: stores, event logs and log files
    #[arg(long)]
    data: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let data = workspace::target().join("data");
    let folders = fs::read_dir(&data).into_iter().flatten().flatten().map(|entry| entry.path());
    if let Some(pid) = folders.chain([data]).find_map(|folder| session::running(&folder)) {
        return Err(Failure::new(format!(
            "a run with process id {pid} uses what would be removed; stop it with `cargo xtask services-stop`"
        )));
    }
    end_servers(args.data)?;
    if !args.data {
        return shell::run(&mut shell::cargo(["clean"]));
    }
    for folder in ["data", "ci"].map(|name| workspace::target().join(name)) {
        if folder.exists() {
            fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))?;
            say!("removed {}", folder.display());
        }
    }
    Ok(())
}

/// Those of runs and what lost its owner; those for everyday work only with everything else.
fn end_servers(only_of_runs: bool) -> Outcome {
    servers::sweep();
    let data = workspace::target().join("data");
    let all = servers::all().into_iter();
    all.filter(|instance| !only_of_runs || instance.folder().starts_with(&data)).try_for_each(|instance| {
        instance.remove()?;
        say!("stopped and removed the servers of {}", instance.name());
        Ok(())
    })
}
