//! A proxy's process, stopped when dropped.

use crate::failure::{Context, Failure, Outcome};
use crate::http::Client;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a proxy may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Child {
    pid: u32,
    /// None where somebody else stops it.
    owned: Option<process::Child>,
    log: PathBuf,
}

impl Child {
    /// Starts it with its output in a file of that name.
    pub(super) fn start(name: &str, folder: &Path, mut command: Command) -> Outcome<Self> {
        let log = folder.join(format!("{name}.log"));
        let doing = || format!("starting {name}");
        let file = File::create(&log).context(doing)?;
        let copy = file.try_clone().context(doing)?;
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn().context(doing)?;
        Ok(Self { pid: child.id(), owned: Some(child), log })
    }

    /// The same process, stopped by its owner.
    pub(super) fn watched(&self) -> Self {
        Self { pid: self.pid, owned: None, log: self.log.clone() }
    }

    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until that path is answered with 200.
    pub(super) fn answers(&self, port: u16, path: &str, headers: &[String]) -> Outcome {
        let client = Client::new(&format!("http://127.0.0.1:{port}"), Duration::from_secs(5));
        let pairs: Vec<_> = headers.iter().filter_map(|header| header.split_once(": ")).collect();
        self.wait(|| client.get_with(path, &pairs).is_ok_and(|reply| reply.status == 200))
    }

    /// Waits until the port takes connections.
    pub(super) fn listens(&self, port: u16) -> Outcome {
        self.wait(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    fn wait(&self, done: impl Fn() -> bool) -> Outcome {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if done() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<_> = said.lines().rev().take(5).collect();
        Err(Failure::new(format!("{} does not answer: {}", self.log.display(), last.join(" / "))))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let Some(mut child) = self.owned.take() else { return };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // Gone by itself is as good.
            let _ = kill_process(pid, Signal::TERM);
        }
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        drop(child.kill());
        drop(child.wait());
    }
}

/// Free at this moment.
pub(super) fn free_ports<const N: usize>() -> Outcome<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context(|| "finding a port".to_owned())?;
        *port = listener.local_addr().context(|| "finding a port".to_owned())?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_goes_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sleep");
        command.arg("60");
        let child = Child::start("sleeper", folder.path(), command).unwrap();
        let path = format!("/proc/{}", child.pid());
        drop(child.watched());
        assert!(Path::new(&path).exists());
        drop(child);
        assert!(!Path::new(&path).exists());
    }

    #[test]
    fn ports_differ() {
        let [first, second] = free_ports().unwrap();
        assert_ne!(first, second);
    }
}
