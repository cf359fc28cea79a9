//! A server of a test's own, of Redis or Valkey, which it may stop, spoil and start again.

use std::{
    env,
    process::{Child, Command, Stdio},
};

use fred::interfaces::ClientLike;
use platform_testkit::{PATIENCE, data_dir, eventually, free_port};
use tempfile::TempDir;

use crate::{Redis, testing};

/// Killed when it is dropped; its data goes, too.
pub(super) struct Server {
    pub(super) port: u16,
    arguments: Vec<String>,
    child: Child,
    folder: TempDir,
}

impl Server {
    /// Starts a server that has every write on its disk before it answers. `{port}` in an argument is its port.
    pub(super) fn start(arguments: &[&str]) -> Self {
        let (port, folder) = (free_port().unwrap(), data_dir().unwrap());
        let arguments: Vec<_> =
            arguments.iter().map(|argument| argument.replace("{port}", &port.to_string())).collect();
        let child = spawn(port, &folder, &arguments);
        Self { port, arguments, child, folder }
    }

    /// As `kill -9` does.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The same server again, with its data.
    pub(super) fn start_again(&mut self) {
        self.child = spawn(self.port, &self.folder, &self.arguments);
    }

    /// A connection that is yet to be made.
    pub(super) fn prepare(&self, variables: &[(&str, &str)]) -> Redis {
        let port = self.port.to_string();
        let own = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &port), ("REDIS_COMMAND_TIMEOUT", "500ms")];
        testing::prepare(&[&own, variables].concat()).unwrap()
    }

    /// A connection.
    pub(super) async fn connect(&self) -> Redis {
        let redis = self.prepare(&[]);
        connected(&redis).await;
        redis
    }

    /// What the command line client says to this server, and what it answers.
    pub(super) fn cli(&self, arguments: &[&str]) -> String {
        let output = command("cli").args(["-p", &self.port.to_string()]).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Waits until it takes commands.
    pub(super) async fn is_there(&self) {
        let there = || async { (self.cli(&["PING"]) == "PONG").then_some(()) };
        eventually(PATIENCE, there).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill();
        }
    }
}

/// Waits until commands go through.
pub(super) async fn connected(redis: &Redis) {
    let answers = || async { redis.client("ping").ok()?.ping::<()>(None).await.ok() };
    eventually(PATIENCE, answers).await.unwrap();
}

fn spawn(port: u16, folder: &TempDir, arguments: &[String]) -> Child {
    let durable = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    command("server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .arg("--dir")
        .arg(folder.path())
        .args(durable)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The program of Redis or, where there is none, of Valkey.
fn command(kind: &str) -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let names = [format!("redis-{kind}"), format!("valkey-{kind}")];
    let on_the_path = |name: &String| env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let found = names.iter().find(|name| on_the_path(name));
    Command::new(found.unwrap_or_else(|| {
        panic!("this test runs {} of its own, one of which has to be on the PATH: `cargo xtask test` sees to that", names.join(" or "))
    }))
}
