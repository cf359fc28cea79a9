//! What a request pays for being seen: a line of the access log, and what is counted of it.
//!
//! `cargo bench -p platform-telemetry` prints nanoseconds, the median of some rounds. A line costs the thread that
//! logs something, and the process something more until the line is out.

use std::{
    fs::File,
    hint::black_box,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use kernel_application::{CallContext, Observation, UseCaseObserver, testing::context};
use platform_telemetry::{HttpMetrics, LogFormat, Metrics, UseCaseMetrics, component, logger_to, silent};
use slog::{Level, Logger, info};

const ROUNDS: u32 = 15;
/// Few enough that none is dropped.
const LINES: u32 = 4000;
const RECORDS: u32 = 100_000;
/// From one request to the next where there is time between them.
const PAUSE: Duration = Duration::from_micros(30);

fn main() -> io::Result<()> {
    // `cargo test --all-targets` starts benches, too, and wants to know only whether they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    for (name, pause) in [("in a row", Duration::ZERO), ("with pauses", PAUSE)] {
        let writes = Arc::new(AtomicU64::new(0));
        let mut rounds = (0..ROUNDS).map(|_| lines(pause, &writes)).collect::<io::Result<Vec<_>>>()?;
        rounds.sort_unstable();
        let (caller, out) = rounds[rounds.len() / 2];
        let writes = writes.load(Relaxed) / u64::from(ROUNDS);
        println!(
            "{LINES} lines {name}: {} ns each, all out after {} ns each, {writes} writes",
            caller.as_nanos(),
            out.as_nanos()
        );
    }
    println!("an HTTP request counted: {} ns", median(&http()));
    println!("a use case counted: {} ns", median(&use_case()));
    Ok(())
}

/// The time for one line: that of whoever logs, and that until all are written, pauses included.
fn lines(pause: Duration, writes: &Arc<AtomicU64>) -> io::Result<(Duration, Duration)> {
    let output = Counting { file: File::create("/dev/null")?, writes: Arc::clone(writes) };
    let (logger, guard) = logger_to(output, "gateway", "1.0.0", Level::Info, LogFormat::Json);
    let (logger, ctx) = (component(&logger, "http"), context());
    let (begun, mut caller) = (Instant::now(), Duration::ZERO);
    for bytes in 0..LINES {
        let start = Instant::now();
        line(black_box(&logger), &ctx, bytes);
        caller += start.elapsed();
        while start.elapsed() < pause {
            std::hint::spin_loop();
        }
    }
    drop(guard);
    Ok((caller / LINES, begun.elapsed() / LINES))
}

/// The gateway's line of a request.
fn line(logger: &Logger, ctx: &CallContext, bytes: u32) {
    info!(logger, "request";
        "method" => black_box("GET"),
        "upstream" => "product",
        "route" => "/api/products/{id}",
        "backend" => Some("10.0.0.1:8081"),
        "status" => 200_u16,
        "code" => None::<&str>,
        "attempts" => 1_u32,
        "upstream_ms" => 0.734,
        "duration_ms" => 0.911,
        "bytes" => bytes,
        "request_id" => ctx.request_id(),
        "trace_id" => ctx.trace().trace_id(),
        "peer" => Some("10.0.0.9"),
        "subject" => Some("ada"),
    );
}

struct Counting {
    file: File,
    writes: Arc<AtomicU64>,
}

impl io::Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes.fetch_add(1, Relaxed);
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn http() -> impl Fn() {
    let http = HttpMetrics::new(&Metrics::new());
    move || {
        http.started();
        http.finished(black_box("GET"), black_box("/api/products/{id}"), 200, Duration::from_micros(911));
    }
}

fn use_case() -> impl Fn() {
    let (observer, ctx) = (UseCaseMetrics::new(&Metrics::new(), silent()), context());
    move || {
        let elapsed = Duration::from_micros(911);
        observer.observe(&ctx, &Observation { use_case: black_box("forward"), error: None, elapsed });
    }
}

/// In nanoseconds. The first round warms up.
fn median(record: &impl Fn()) -> u128 {
    let round = || {
        let begun = Instant::now();
        (0..RECORDS).for_each(|_| record());
        (begun.elapsed() / RECORDS).as_nanos()
    };
    round();
    let mut times: Vec<u128> = (0..ROUNDS).map(|_| round()).collect();
    times.sort_unstable();
    times[times.len() / 2]
}
