//! `cargo xtask services-start`, `-stop` and `-restart`: a `run-all` in the background.

use crate::build;
use crate::catalogue::{self, Address};
use crate::failure::{Context, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::paint::{Colour, paint, say};
use crate::run_all::session;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Start all services in the background and wait until they are ready.
#[derive(clap::Args, Debug)]
pub(crate) struct StartArgs {
    /// Build and run with optimizations
    #[arg(long)]
    release: bool,
    /// Remove the data folder first
    #[arg(long)]
    reset: bool,
    /// Run on PostgreSQL, Redis, MariaDB and Kafka, found or provisioned, instead of embedded stores
    #[arg(long)]
    servers: bool,
    /// Folder for stores, event log and log files [default: target/data/run-all]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// Stop the services started by `services-start`.
#[derive(clap::Args, Debug)]
pub(crate) struct StopArgs {
    /// The folder they were started with [default: target/data/run-all]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn start(args: &StartArgs) -> Outcome {
    let folder = session::folder(args.data_dir.as_deref());
    if let Some(pid) = session::running(&folder) {
        say!("already running, process id {pid}");
        return Ok(());
    }
    let all = catalogue::addresses(&[]);
    build::services(&all, args.release, &Interrupt::default())?;
    let log = folder.with_extension("log");
    let mut child = launch(args, &folder, &log)?;
    wait(&mut child, &folder, &log)?;
    report(&all, child.id(), &log);
    Ok(())
}

pub(crate) fn stop(args: &StopArgs) -> Outcome {
    let folder = session::folder(args.data_dir.as_deref());
    let Some(pid) = session::running(&folder) else {
        say!("nothing runs on {}", folder.display());
        return Ok(());
    };
    session::ask_to_stop(pid);
    let late = Instant::now() + Duration::from_secs(45);
    while session::running(&folder).is_some() {
        if Instant::now() > late {
            return Err(Failure::new(format!("process {pid} does not stop; see {}", folder.display())));
        }
        thread::sleep(Duration::from_millis(100));
    }
    say!("{} stopped", paint(Colour::Green, "✓"));
    Ok(())
}

pub(crate) fn restart(args: &StartArgs) -> Outcome {
    stop(&StopArgs { data_dir: args.data_dir.clone() })?;
    start(args)
}

/// In a process group of its own, so that Ctrl-C in this terminal does not reach it.
fn launch(args: &StartArgs, folder: &Path, log: &Path) -> Outcome<Child> {
    let parent = log.parent().unwrap_or(log);
    fs::create_dir_all(parent).context(|| format!("creating {}", parent.display()))?;
    let output = File::create(log).context(|| format!("creating {}", log.display()))?;
    let errors = output.try_clone().context(|| format!("sharing {}", log.display()))?;
    let this = std::env::current_exe().context(|| "finding this program".to_owned())?;
    let mut command = Command::new(this);
    command.args(["run-all", "--no-build", "--data-dir"]).arg(folder);
    command.args(args.release.then_some("--release")).args(args.reset.then_some("--reset"));
    command.args(args.servers.then_some("--servers"));
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .env_remove("EXIT_WITH_PARENT");
    command.spawn().context(|| "starting run-all".to_owned())
}

fn wait(child: &mut Child, folder: &Path, log: &Path) -> Outcome {
    say!("starting …");
    while !session::ready(folder) {
        if let Some(status) = child.try_wait().context(|| "waiting for run-all".to_owned())? {
            let said = fs::read_to_string(log).unwrap_or_default();
            return Err(Failure::new(format!("run-all ended with {status}:\n{said}")));
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn report(all: &[Address], pid: u32, log: &Path) {
    say!("{} all ready, process id {pid}", paint(Colour::Green, "✓"));
    say!();
    say!("{}", catalogue::table(all));
    say!("  log: {}", log.display());
    say!("  stop with: cargo xtask services-stop");
}
