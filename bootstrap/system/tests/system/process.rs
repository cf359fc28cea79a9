//! One service process.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A service that runs, or can be started again with the very same environment.
pub(crate) struct Process {
    name: &'static str,
    env: Vec<(String, String)>,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    pub(crate) const fn new(name: &'static str, env: Vec<(String, String)>, log: PathBuf) -> Self {
        Self { name, env, log, child: None }
    }

    pub(crate) fn start(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(binary(self.name));
        command.env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        // The pipe ends with this process, and with it the service: no test leaves one behind.
        command.env("EXIT_WITH_PARENT", "1").stdin(Stdio::piped());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.child =
            Some(command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", self.name)));
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Freezes the process (`SIGSTOP`): its sockets stay open, and nobody gets an answer until it is resumed.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets a frozen process go on where it was.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success(), "kill {signal} {}: {sent}", self.name);
    }

    /// Asks the process to stop and answers its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        drop(child.stdin.take());
        child.wait().unwrap().code()
    }

    /// Lets the program do a job instead of serving, with the very same environment; answers what it printed.
    pub(crate) fn job(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary(self.name));
        command.env_clear().envs(self.env.iter().map(|(name, value)| (name, value))).args(arguments);
        let output = command.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{} {arguments:?}: {}\n{printed}", self.name, output.status);
        printed
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The service's program, beside the folder this test runs from.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let program = folder.join(name);
    assert!(
        program.exists(),
        "{} is missing: run `cargo xtask test`, or `cargo build --workspace --exclude xtask` first",
        program.display()
    );
    program
}
