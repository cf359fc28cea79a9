//! What a server can do at most: asked with the tools that its own project, or everybody, measures it with.

mod kafka;
mod pgbench;
mod redis_benchmark;
mod sysbench;

use std::{env, path::PathBuf, process::Command};

pub use kafka::{KafkaConsumer, KafkaProducer};
pub use pgbench::PgBench;
pub use redis_benchmark::RedisBenchmark;
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

/// An operation of several ways to the server, of which a tool knows only one at a time: together they take as long as
/// one after the other.
pub struct Trips<'a>(pub Vec<&'a dyn Raw>);

impl Raw for Trips<'_> {
    fn run(&self, plan: &Plan) -> Result<Limit, BoxError> {
        let mut seconds = 0.0;
        for trip in &self.0 {
            match trip.run(plan)? {
                Limit::PerSecond(rate) => seconds += 1.0 / rate,
                missing @ Limit::Missing(_) => return Ok(missing),
            }
        }
        Ok(Limit::PerSecond(1.0 / seconds))
    }
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

    struct Known(Limit);

    impl Raw for Known {
        fn run(&self, _: &Plan) -> Result<Limit, BoxError> {
            Ok(self.0.clone())
        }
    }

    fn plan(window: Duration) -> Plan {
        Plan { clients: 1, window, rounds: 1, rows: 1, events: 1 }
    }

    #[test]
    fn two_trips_take_as_long_as_both() {
        let (fast, slow) = (Known(Limit::PerSecond(300.0)), Known(Limit::PerSecond(150.0)));
        let Limit::PerSecond(rate) = Trips(vec![&fast, &slow]).run(&plan(Duration::ZERO)).unwrap() else {
            panic!("both are known");
        };
        assert!((rate - 100.0).abs() < 1e-9);
        let missing = Known(Limit::Missing("get it".to_owned()));
        let both = Trips(vec![&fast, &missing]).run(&plan(Duration::ZERO)).unwrap();
        assert_eq!(both, Limit::Missing("get it".to_owned()));
    }

    #[test]
    fn a_tool_runs_for_at_least_a_second() {
        assert_eq!(seconds(&plan(Duration::from_millis(200))), "1");
        assert_eq!(seconds(&plan(Duration::from_millis(4_200))), "5");
    }
}
