//! `MariaDB`, by `sysbench`, which is the one tool for it that prepares statements.

use std::{io::Write as _, process::Command};

use super::{Limit, Raw, found, output, seconds, which};
use crate::bench::{BoxError, Plan};

/// A script of `sysbench` in Lua; each call of its `event` is one operation.
pub struct Sysbench {
    /// `host`, `port`, `user`, `password` and name of the database.
    pub database: [String; 5],
    /// The script.
    pub script: String,
}

impl Raw for Sysbench {
    fn run(&self, plan: &Plan) -> Result<Limit, BoxError> {
        let Some(program) = which("sysbench") else {
            return Ok(Limit::Missing("sysbench: apt-get install sysbench".to_owned()));
        };
        let [host, port, user, password, name] = &self.database;
        // In a file, so that the password is on no command line.
        let mut config = tempfile::NamedTempFile::new()?;
        writeln!(config, "db-driver=mysql\nmysql-host={host}\nmysql-port={port}\nmysql-user={user}")?;
        writeln!(config, "mysql-password={password}\nmysql-db={name}\nthreads={}", plan.clients)?;
        writeln!(config, "time={}\nevents=0", seconds(plan))?;
        let mut script = tempfile::Builder::new().suffix(".lua").tempfile()?;
        script.write_all(self.script.as_bytes())?;
        let mut sysbench = Command::new(program);
        sysbench.arg(format!("--config-file={}", config.path().display())).arg(script.path()).arg("run");
        let text = output(&mut sysbench)?;
        found("sysbench", events(&text), &text)
    }
}

fn events(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.trim_start().starts_with("transactions:"))?;
    line.split_once('(')?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_one_call() {
        let text = "SQL statistics:\n    queries performed:\n        total: 9\n    transactions:     \
                    31337  (3133.70 per sec.)\n    queries:  62674  (6267.40 per sec.)\n";
        assert_eq!(events(text), Some(3_133.7));
        assert_eq!(events("FATAL: no such table"), None);
    }
}
