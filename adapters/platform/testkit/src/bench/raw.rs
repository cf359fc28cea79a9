//! What a server can do at most: asked with the tools that its own project, or everybody, measures it with.

mod kafka;
mod pgbench;
mod redis_benchmark;
mod sysbench;

use std::{env, path::PathBuf, process::Command};

pub use kafka::{KafkaConsumer, KafkaProducer};
pub use pgbench::PgBench;
pub use redis_benchmark::{Alternating, RedisBenchmark};
pub use sysbench::Sysbench;

use super::{BoxError, Plan};

/// Finds the limit of a server for the same work on the same data, by as many connections as the bench has workers.
pub trait Raw {
    /// One round, about as long as one of the bench.
    fn run(&self, plan: &Plan) -> Result<Limit, BoxError>;
}

/// What a tool found.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    /// So many operations a second.
    PerSecond(f64),
    /// There is no such tool here; what would bring it.
    Missing(String),
}

/// Where the program is on the path.
fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// What the tool prints; its complaint where it fails.
fn output(command: &mut Command) -> Result<String, BoxError> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let program = PathBuf::from(command.get_program());
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed ({}): {}{text}", program.display(), output.status, complaint.trim()).into())
}

/// A number in what a tool printed, which must be there.
fn found(tool: &str, number: Option<f64>, text: &str) -> Result<Limit, BoxError> {
    let rate = number.filter(|rate| *rate > 0.0);
    rate.map(Limit::PerSecond).ok_or_else(|| format!("{tool} printed no rate: {text}").into())
}

/// Tools count whole seconds.
fn seconds(plan: &Plan) -> String {
    plan.window.as_secs_f64().ceil().max(1.0).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn plan(window: Duration) -> Plan {
        Plan { clients: 1, window, rounds: 1, rows: 1, events: 1 }
    }

    #[test]
    fn a_tool_runs_for_at_least_a_second() {
        assert_eq!(seconds(&plan(Duration::from_millis(200))), "1");
        assert_eq!(seconds(&plan(Duration::from_millis(4_200))), "5");
    }
}
