//! From the command line to the exit code.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, TcpListener},
    panic::PanicHookInfo,
    pin::Pin,
    process::ExitCode,
    time::Duration,
};

use kernel_application::BoxError;
use platform_telemetry::{chain, component, logger};
use slog::{Level, Logger, crit, error, info};
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
};

use crate::{
    CommonConfig, Outcome, Running, Settings,
    command_line::{self, Command, JobArgument, JobFlag},
    signals,
};

/// What a binary says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// `product-service`.
    pub name: &'static str,
    /// `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// One line.
    pub description: &'static str,
}

/// A service's configuration.
pub trait Configuration: Sized + Send {
    /// Declares and reads every variable. Problems are noted in `settings`; what is returned then is never used.
    fn declare(settings: &mut Settings) -> Self;

    /// The part every service has.
    fn common(&self) -> &CommonConfig;
}

/// A binary: a service, and the jobs it does instead when a flag asks for one.
///
/// ```text
/// Program::new(ABOUT, start)
///     .job("--migrate-only", JobArgument::None, "brings the store's schema up to date and ends", migrate)
///     .main()
/// ```
pub struct Program<C> {
    about: About,
    start: Start<C>,
    jobs: Vec<(JobFlag, Job<C>)>,
}

type Task<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>>>>;
type Start<C> = Box<dyn FnOnce(C, Logger) -> Task<Running>>;
type Job<C> = Box<dyn FnOnce(C, Logger, Option<String>) -> Task<String>>;

impl<C: Configuration> Program<C> {
    /// A service that `start` puts together.
    pub fn new<F, Fut>(about: About, start: F) -> Self
    where
        F: FnOnce(C, Logger) -> Fut + 'static,
        Fut: Future<Output = Result<Running, BoxError>> + 'static,
    {
        Self {
            about,
            start: Box::new(move |config, logger| Box::pin(start(config, logger))),
            jobs: Vec::new(),
        }
    }

    /// Does `work` where `flag` is given, prints what it answers, and ends.
    #[must_use]
    pub fn job<F, Fut>(
        mut self,
        flag: &'static str,
        argument: JobArgument,
        description: &'static str,
        work: F,
    ) -> Self
    where
        F: FnOnce(C, Logger, Option<String>) -> Fut + 'static,
        Fut: Future<Output = Result<String, BoxError>> + 'static,
    {
        let job: Job<C> = Box::new(move |config, logger, argument| Box::pin(work(config, logger, argument)));
        self.jobs.push((JobFlag { flag, argument, description }, job));
        self
    }

    /// Reads the environment, then serves until asked to stop and stops in order, or does the job asked for.
    ///
    /// Exit codes: 0 after a clean stop, 1 where the start, a job or a worker failed or work was left unfinished, 2 for
    /// wrong arguments or a wrong environment.
    pub fn main(self) -> ExitCode {
        let Self { about, start, jobs } = self;
        let mut settings = Settings::from_env();
        let config = C::declare(&mut settings);
        let arguments: Vec<String> =
            std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
        let flags: Vec<JobFlag> = jobs.iter().map(|(flag, _)| *flag).collect();
        let command = command_line::parse(&about, settings.variables(), &flags, &arguments);
        match (command, settings.finish()) {
            (Command::Print(text), _) => print(&text),
            (Command::Refuse(text), _) => refuse(&text),
            (_, Err(problems)) => refuse(&format!("{}: {problems}", about.name)),
            (Command::Serve, Ok(())) => serve(about, config, start),
            (Command::Job(flag, argument), Ok(())) => {
                let job = jobs.into_iter().find(|(known, _)| known.flag == flag);
                job.map_or(ExitCode::FAILURE, |(_, job)| do_job(about, config, job, argument))
            }
        }
    }
}

/// A listener on all addresses of this machine; port 0 takes a free one.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on port {port}: {error}")))
}

const WRONG_USE: u8 = 2;

fn print(text: &str) -> ExitCode {
    use io::Write;

    // The reader may have closed the pipe, as `head` does; that is no failure of ours.
    let _ = writeln!(io::stdout(), "{text}");
    ExitCode::SUCCESS
}

fn refuse(text: &str) -> ExitCode {
    use io::Write;

    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(WRONG_USE)
}

fn serve<C: Configuration>(about: About, config: C, start: Start<C>) -> ExitCode {
    let common = config.common().clone();
    let (root, _flush) = logger(about.name, about.version, common.log_level, common.log_format);
    let log = component(&root, "runtime");
    log_panics(log.clone());
    info!(log, "starting"; "environment" => ?common.environment);
    let outcome = on_runtime(run(&common, &log, start(config, root)));
    outcome.map_or_else(|failure| failed(&log, failure.as_ref()), ExitCode::from)
}

/// Only what went wrong is logged, so that the answer stands alone on standard output where all is well.
fn do_job<C: Configuration>(about: About, config: C, job: Job<C>, argument: Option<String>) -> ExitCode {
    let common = config.common().clone();
    let (root, _flush) = logger(about.name, about.version, Level::Error, common.log_format);
    let log = component(&root, "runtime");
    let answer = on_runtime(job(config, root, argument));
    answer.map_or_else(|failure| failed(&log, failure.as_ref()), |text| print(&text))
}

fn on_runtime<T>(work: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(work);
    // Blocking calls that outlived the ordered stop are not waited for.
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome
}

async fn run(
    common: &CommonConfig,
    log: &Logger,
    start: impl Future<Output = Result<Running, BoxError>>,
) -> Result<Outcome, BoxError> {
    let stop = signals::listen(log, common.exit_with_parent)?;
    let running = tokio::select! {
        running = start => running?,
        () = asked(stop.clone()) => return Ok(Outcome::Clean),
    };
    let launched = running.launch(log.clone(), common.shutdown_timeout);
    info!(log, "started");
    Ok(launched.until(asked(stop)).await)
}

async fn asked(mut stop: watch::Receiver<bool>) {
    // The sender lives as long as the process.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn failed(log: &Logger, failure: &(dyn std::error::Error + 'static)) -> ExitCode {
    error!(log, "service failed"; "error" => chain(failure));
    ExitCode::FAILURE
}

/// Blocking threads serve the embedded stores, which have few connections: more threads would only hold memory.
fn runtime() -> io::Result<Runtime> {
    const BLOCKING_THREADS: usize = 64;
    Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("service")
        .build()
}

/// A panic is a line in the log like any other failure, wherever it is caught.
fn log_panics(log: Logger) {
    std::panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        let message = panic.payload_as_str().unwrap_or("no message").to_owned();
        crit!(log, "panicked"; "message" => message, "place" => place, "thread" => thread);
    }));
}
