//! Measures what a store does in a second, and next to it what its server can do at most.
//!
//! A bench target hands [`main`] its body. It makes a store, wraps it in the load that the application declares beside
//! its ports, so that every home does the very same work, and calls [`Bench::run`] once per operation:
//!
//! ```text
//! fn main() -> ExitCode {
//!     bench::main("postgres", async |bench| {
//!         let load = Arc::new(Load::new(stores, bench.plan().rows));
//!         bench.run(Subject::new(Class::PointRead, "ProductQueries", "find"), &load, Load::find, Some(&raw)).await
//!     })
//! }
//! ```
//!
//! Every measurement is a line of JSON on standard output, which `cargo xtask bench stores` makes a table of. A new tool
//! that finds the limit of a server is an implementation of [`Raw`].

mod plan;
mod raw;
mod report;
mod subject;
mod window;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

pub use plan::Plan;
pub use raw::{Alternating, KafkaConsumer, KafkaProducer, Limit, PgBench, Raw, RedisBenchmark, Sysbench};
use report::Report;
pub use subject::{Class, Subject};

/// Whatever goes wrong ends the bench.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Runs `body` on a runtime with a thread per core, where `cargo bench` asked for it.
pub fn main(home: &'static str, body: impl AsyncFnOnce(Bench) -> Result<(), BoxError>) -> ExitCode {
    // `cargo test --all-targets` starts benches, too, and wants to know only whether they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let run = || {
        let bench = Bench { home, plan: Plan::from_env()? };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(body(bench))
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let reasons = std::iter::successors(Some(&*failure as &dyn std::error::Error), |e| e.source());
            eprintln!("{home}: {}", reasons.map(ToString::to_string).collect::<Vec<_>>().join(": "));
            ExitCode::FAILURE
        }
    }
}

/// Measures operations of one home.
pub struct Bench {
    home: &'static str,
    plan: Plan,
}

impl Bench {
    /// How much and how long.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Measures `operation`, which many workers repeat at once, each with a number that is never given again and is
    /// spread over all there are. `raw` runs after each round of it, so that both meet the machine in the same mood.
    pub async fn run<L, O, F>(
        &self,
        subject: Subject,
        load: &Arc<L>,
        operation: O,
        raw: Option<&dyn Raw>,
    ) -> Result<(), BoxError>
    where
        L: Send + Sync + 'static,
        O: Fn(Arc<L>, u64) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send,
    {
        let Plan { clients, window, rounds, .. } = self.plan;
        let mut report = Report::new(subject, self.home, clients);
        window::run(clients, window / 4, load, &operation).await?;
        for _ in 0..rounds {
            report.add(window::run(clients, window, load, &operation).await?);
            if let Some(raw) = raw {
                report.add_raw(raw.run(&self.plan)?);
            }
        }
        report.print()
    }

    /// Measures two operations that will be held against each other, by turns and in slices of a round, so that what else
    /// happens on the machine happens to both. `raw` is the limit of the first.
    pub async fn by_turns<L, A, B, F, G>(
        &self,
        load: &Arc<L>,
        (one, operation): (Subject, A),
        (other, another): (Subject, B),
        raw: Option<&dyn Raw>,
    ) -> Result<(), BoxError>
    where
        L: Send + Sync + 'static,
        A: Fn(Arc<L>, u64) -> F + Clone + Send + Sync + 'static,
        B: Fn(Arc<L>, u64) -> G + Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send,
        G: Future<Output = Result<(), BoxError>> + Send,
    {
        const SLICES: u32 = 5;
        let Plan { clients, window, rounds, .. } = self.plan;
        let slice = window / SLICES;
        let mut reports = [one, other].map(|subject| Report::new(subject, self.home, clients));
        window::run(clients, slice, load, &operation).await?;
        window::run(clients, slice, load, &another).await?;
        for _ in 0..rounds {
            for _ in 0..SLICES {
                reports[0].add(window::run(clients, slice, load, &operation).await?);
                reports[1].add(window::run(clients, slice, load, &another).await?);
            }
            if let Some(raw) = raw {
                reports[0].add_raw(raw.run(&self.plan)?);
            }
        }
        reports.into_iter().try_for_each(Report::print)
    }

    /// Measures `work` that is done once per round, and says how many events it dealt with in which time.
    pub async fn once(
        &self,
        subject: Subject,
        mut work: impl AsyncFnMut() -> Result<(u64, Duration), BoxError>,
        raw: Option<&dyn Raw>,
    ) -> Result<(), BoxError> {
        let mut report = Report::new(subject, self.home, 1);
        for _ in 0..self.plan.rounds {
            let (events, took) = work().await?;
            report.add_events(events, took);
            if let Some(raw) = raw {
                report.add_raw(raw.run(&self.plan)?);
            }
        }
        report.print()
    }

    /// The same bench, for another home.
    #[must_use]
    pub fn at(&self, home: &'static str) -> Self {
        Self { home, plan: self.plan.clone() }
    }

    /// Says on standard error what is being prepared, and how long it took.
    pub async fn prepare<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, BoxError>>,
    ) -> Result<T, BoxError> {
        let begun = Instant::now();
        let made = work.await?;
        eprintln!("{}: {what} in {:.1} s", self.home, begun.elapsed().as_secs_f32());
        Ok(made)
    }
}
