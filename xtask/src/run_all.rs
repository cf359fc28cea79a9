//! `cargo xtask run-all`: build everything, run it on the embedded home or on servers, show what it says, stop it in
//! order.
//!
//! `ports` looks before anything starts, `supervisor` keeps the processes (`child`) alive, `readiness` waits for
//! them on the `board`, `seed` and `banner` greet the newcomer, `watch` follows the sources, and `session` is the
//! folder of one run.

mod backoff;
mod banner;
pub(crate) mod board;
mod child;
mod journal;
mod ports;
mod readiness;
mod seed;
pub(crate) mod session;
mod sockets;
mod supervisor;
mod watch;

use crate::build;
use crate::catalogue::{self, Address, PortOverride, Replicas};
use crate::failure::{Failure, Outcome};
use crate::home::{Home, Servers};
use crate::identity::{Development, Keeper};
use crate::interrupt::Interrupt;
use crate::paint::{Colour, paint, say};
pub(crate) use ports::taken;
use readiness::Goal;
use session::Session;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use supervisor::{Options, Supervisor};

/// Build and run all services with demo data, nothing else needed.
#[derive(clap::Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// Build and run with optimizations
    #[arg(long)]
    pub(crate) release: bool,
    /// Run only these services, as in `product,basket`; they are waited for until they live, not until ready
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) only: Vec<String>,
    /// Folder for stores, event log and log files [default: target/data/run-all]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Remove the data folder first
    #[arg(long)]
    pub(crate) reset: bool,
    /// Leave the shop empty
    #[arg(long)]
    pub(crate) no_seed: bool,
    /// Rebuild and restart what changes
    #[arg(long)]
    pub(crate) watch: bool,
    /// Move a port, as in `product=18080` or `product-grpc=15050`; callers follow
    #[arg(long = "port", value_name = "NAME=PORT")]
    pub(crate) ports: Vec<PortOverride>,
    /// Run a service as several processes, as in `product=2`; the gateway shares requests out to them
    #[arg(long, value_name = "NAME=NUMBER")]
    pub(crate) replicas: Vec<Replicas>,
    /// Seconds to wait until everything is ready
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) ready_timeout: u64,
    /// Run on PostgreSQL, Redis, MariaDB and Kafka, found or provisioned, instead of embedded stores
    #[arg(long)]
    pub(crate) servers: bool,
    /// Use the binaries as they are
    #[arg(long)]
    pub(crate) no_build: bool,
}

impl Args {
    /// The folder of this run.
    pub(crate) fn data_dir(&self) -> PathBuf {
        session::folder(self.data_dir.as_deref())
    }

    /// Alone, a service may wait for its peers for ever.
    const fn goal(&self) -> Goal {
        if self.only.is_empty() { Goal::Ready } else { Goal::Live }
    }

    fn chosen(&self, all: &[Address]) -> Outcome<Vec<Address>> {
        for name in &self.only {
            catalogue::find(name)?;
        }
        let named = |address: &&Address| self.only.iter().any(|name| name == address.service.name);
        let everything = self.only.is_empty();
        Ok(all.iter().filter(|address| everything || named(address)).copied().collect())
    }
}

pub(crate) fn run(args: &Args) -> Outcome {
    let all = catalogue::replicated(&catalogue::addresses(&args.ports), &args.replicas)?;
    let chosen = args.chosen(&all)?;
    // Before its ports, which would be named one by one.
    session::check(&args.data_dir())?;
    ports::check(&chosen)?;
    let interrupt = Interrupt::install()?;
    end_with_parent(&interrupt);
    if !args.no_build {
        build::services(&chosen, args.release, &interrupt)?;
    }
    let session = Session::open(&args.data_dir(), args.reset)?;
    // Dropped last: services stop before the servers they write to.
    let home = home(args, &chosen, &session)?;
    let issuer = Arc::new(Development::provide(session.folder())?);
    let _keeper = Keeper::start(issuer.clone())?;
    let options = Options { release: args.release, goal: args.goal() };
    let mut supervisor = Supervisor::new(&chosen, &all, &session, &home, &issuer, &options, interrupt)?;
    let outcome = live(args, &chosen, &session, &home, &issuer, &mut supervisor);
    supervisor.stop();
    outcome
}

fn home(args: &Args, chosen: &[Address], session: &Session) -> Outcome<Home> {
    if !args.servers {
        return Ok(Home::Embedded);
    }
    Servers::provide(chosen, session.folder()).map(Home::Servers)
}

/// From the first start to the request to stop.
fn live(
    args: &Args,
    chosen: &[Address],
    session: &Session,
    home: &Home,
    issuer: &Development,
    supervisor: &mut Supervisor,
) -> Outcome {
    supervisor.start()?;
    if !readiness::wait(supervisor, args.goal(), Duration::from_secs(args.ready_timeout))? {
        return Ok(());
    }
    if !args.no_seed {
        seed::seed(chosen, issuer)?;
    }
    session.mark_ready()?;
    banner::print(chosen, session.folder(), home);
    let watcher = args.watch.then(|| watch::Watcher::start(chosen, args.release, supervisor.handle()));
    let watcher = watcher.transpose()?;
    supervisor.supervise();
    drop(watcher);
    Ok(())
}

/// Keeps the promise that services make: with `EXIT_WITH_PARENT=1`, a closed standard input is a request to stop.
fn end_with_parent(interrupt: &Interrupt) {
    if std::env::var("EXIT_WITH_PARENT").is_ok_and(|value| value == "1") {
        let interrupt = interrupt.clone();
        std::thread::spawn(move || {
            drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
            interrupt.raise();
        });
    }
}

/// Used where a service cannot come up and there is no point in waiting on.
fn gave_up(supervisor: &Supervisor, name: &str, why: &str, health: &str) -> Failure {
    let log = supervisor.last_lines(name);
    let log = if log.is_empty() { "    (nothing)".to_owned() } else { log };
    let health = if health.is_empty() { "no answer" } else { health };
    say!();
    Failure::new(format!(
        "{} {why}\n  last health answer: {health}\n  last lines of its log:\n{log}",
        paint(Colour::Bold, name)
    ))
}
