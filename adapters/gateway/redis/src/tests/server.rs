//! A server of a test's own, of Redis or Valkey, which it may stop and start again.

use std::{
    env,
    process::{Child, Command, Stdio},
};

use kernel_application::HealthCheck;
use platform_redis::{Redis, RedisHealth, testing};
use platform_testkit::{PATIENCE, data_dir, eventually, free_port};
use tempfile::TempDir;

/// Killed when it is dropped.
pub(super) struct Server {
    port: u16,
    child: Child,
    folder: TempDir,
}

impl Server {
    pub(super) fn start() -> Self {
        let (port, folder) = (free_port().unwrap(), data_dir().unwrap());
        let child = spawn(port, &folder);
        Self { port, child, folder }
    }

    /// As `kill -9` does.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn start_again(&mut self) {
        self.child = spawn(self.port, &self.folder);
    }

    /// A connection that is yet to be made.
    pub(super) fn prepare(&self) -> Redis {
        let port = self.port.to_string();
        testing::prepare(&[("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &port)]).unwrap()
    }

    /// A connection.
    pub(super) async fn connect(&self) -> Redis {
        let redis = self.prepare();
        let health = RedisHealth::new("test", redis.clone());
        eventually(PATIENCE, || async { health.check().await.ok() }).await.unwrap();
        redis
    }

    /// `STOP` makes it hang, `CONT` go on.
    pub(super) fn signal(&self, signal: &str) {
        let sent =
            Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill();
        }
    }
}

fn spawn(port: u16, folder: &TempDir) -> Child {
    server()
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The program of Redis or, where there is none, of Valkey.
fn server() -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let names = ["redis-server", "valkey-server"];
    let on_the_path = |name: &&&str| env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let found = names.iter().find(on_the_path);
    Command::new(found.unwrap_or_else(|| panic!("{} has to be on the PATH", names.join(" or "))))
}
