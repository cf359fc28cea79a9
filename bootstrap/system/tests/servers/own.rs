//! Servers that one test has to itself, and may stop, start and kill.

use std::{collections::HashMap, process::Command};

use platform_testkit::servers;
use tokio::task::spawn_blocking;

/// PostgreSQL, MariaDB, Redis and Kafka, which keep what they have acknowledged. They end with this value.
pub(crate) struct OwnServers {
    name: String,
    variables: HashMap<String, String>,
}

impl OwnServers {
    /// All of them, each a server that `stop`, `start` and `kill` know.
    pub(crate) const ALL: [&'static str; 4] = ["postgres", "mariadb", "redis", "kafka"];

    pub(crate) async fn up() -> Self {
        let name = format!("own-{}", uuid::Uuid::new_v4().simple());
        let (only, owner) = (Self::ALL.join(","), std::process::id().to_string());
        run(&["up", "--name", &name, "--only", &only, "--durable", "--owner", &owner]).await;
        let printed = run(&["env", "--name", &name]).await;
        let pairs = printed.lines().filter_map(|line| line.split_once('='));
        let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { name, variables }
    }

    pub(crate) fn variable(&self, name: &str) -> String {
        self.variables.get(name).cloned().unwrap_or_else(|| panic!("{name} is not in {:?}", self.variables))
    }

    /// A stop in good order; what is stored stays.
    pub(crate) async fn stop(&self, server: &str) {
        run(&["stop", server, "--name", &self.name]).await;
    }

    /// Starts a server where it was.
    pub(crate) async fn start(&self, server: &str) {
        run(&["start", server, "--name", &self.name]).await;
    }

    /// `kill -9`.
    pub(crate) async fn kill(&self, server: &str) {
        run(&["kill", server, "--name", &self.name]).await;
    }
}

impl Drop for OwnServers {
    /// Where this fails, they end with this process: it is their owner.
    fn drop(&mut self) {
        drop(xtask(&["down", "--name", &self.name]).output());
    }
}

/// What `cargo xtask servers …` prints.
async fn run(arguments: &[&str]) -> String {
    let mut command = xtask(arguments);
    let output = spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "servers {arguments:?}: {}\n{printed}\n{errors}", output.status);
    printed
}

fn xtask(arguments: &[&str]) -> Command {
    let program = servers::read("TEST_XTASK").unwrap_or_else(|missing| panic!("{missing}"));
    let mut command = Command::new(program);
    command.arg("servers").args(arguments);
    command
}
