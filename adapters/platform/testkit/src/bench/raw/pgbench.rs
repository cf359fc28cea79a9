//! `PostgreSQL`, by `pgbench`.

use std::{io::Write as _, process::Command};

use super::{Limit, Raw, found, output, seconds, which};
use crate::bench::{BoxError, Plan};

/// A script of `pgbench`, run as prepared statements; each run of it is one operation.
pub struct PgBench {
    /// `host`, `port`, `user`, `password` and name of the database.
    pub database: [String; 5],
    /// The script. Its variable `rows` is how many rows there are.
    pub script: String,
    /// How many rows there are.
    pub rows: u64,
}

impl PgBench {
    /// The same place, another script.
    #[must_use]
    pub fn script(&self, script: impl Into<String>) -> Self {
        Self { database: self.database.clone(), script: script.into(), rows: self.rows }
    }
}

impl Raw for PgBench {
    fn run(&self, plan: &Plan) -> Result<Limit, BoxError> {
        let Some(program) = which("pgbench") else {
            return Ok(Limit::Missing("pgbench: apt-get install postgresql".to_owned()));
        };
        let mut script = tempfile::NamedTempFile::new()?;
        script.write_all(self.script.as_bytes())?;
        let [host, port, user, password, name] = &self.database;
        let clients = plan.clients.to_string();
        let mut pgbench = Command::new(program);
        pgbench.args(["-n", "-M", "prepared", "-j", "2", "-c", &clients, "-T", &seconds(plan)]);
        pgbench.arg("-D").arg(format!("rows={}", self.rows)).arg("-f").arg(script.path());
        pgbench.args(["-h", host, "-p", port, "-U", user, name]).env("PGPASSWORD", password);
        // As the ports are measured; by itself it encrypts wherever the server can.
        pgbench.env("PGSSLMODE", "disable");
        let text = output(&mut pgbench)?;
        found("pgbench", transactions(&text), &text)
    }
}

fn transactions(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_without_connecting() {
        let text = "latency average = 0.5 ms\ninitial connection time = 12 ms\n\
                    tps = 15874.920 (without initial connection time)\n";
        assert_eq!(transactions(text), Some(15_874.920));
        assert_eq!(transactions("pgbench: error"), None);
    }
}
