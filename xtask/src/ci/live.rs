//! `cargo xtask run-all` as the README has it, in a process of its own.

use crate::catalogue::{self, SERVICES};
use crate::failure::{Context, Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::run_all::{session, taken};
use crate::{shell, workspace};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub(super) struct Live {
    child: Child,
    data: PathBuf,
    log: PathBuf,
}

impl Live {
    /// With the build, which should have nothing left to do.
    const START: Duration = Duration::from_mins(10);
    const STOP: Duration = Duration::from_mins(1);

    /// Comes back when everything is ready and seeded.
    pub(super) fn start(servers: bool) -> Outcome<Self> {
        let folder = workspace::target().join("ci");
        let (data, log) = (folder.join("data"), folder.join("run-all.log"));
        fs::create_dir_all(&folder).context(|| format!("creating {}", folder.display()))?;
        let child = launch(&data, &log, servers)?;
        let mut live = Self { child, data, log };
        live.wait_until_ready()?;
        say!("{}", live.log_lines(0, 60));
        Ok(live)
    }

    /// The data folder of the run.
    pub(super) fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// No service crashed meanwhile.
    pub(super) fn unharmed(&self) -> Outcome {
        let crashes = self.log_text().lines().filter(|line| line.contains("starting again in")).count();
        if crashes > 0 || !session::ready(&self.data) {
            return Err(self.failure(&format!("{crashes} crash(es) of services")));
        }
        let panics = self.service_logs().filter(|log| log.contains("panicked")).count();
        if panics == 0 { Ok(()) } else { Err(self.failure(&format!("{panics} service(s) panicked"))) }
    }

    /// As Ctrl-C does, and nothing may be left.
    pub(super) fn stop(mut self) -> Outcome {
        self.interrupt();
        let status = self.end(Self::STOP)?;
        if !status.success() {
            return Err(self.failure(&format!("run-all ended with {status}")));
        }
        let left = taken(&catalogue::addresses(&[]));
        if let Some(port) = left.first() {
            return Err(Failure::new(format!("{} still listens on port {}", port.service, port.port)));
        }
        if self.log_text().contains("by force") {
            return Err(self.failure("a service had to be killed"));
        }
        say!("{} stopped on Ctrl-C, every port is free", paint(Colour::Green, "✓"));
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Outcome {
        let begun = Instant::now();
        while !session::ready(&self.data) {
            if let Some(status) = self.child.try_wait().context(|| "waiting for run-all".to_owned())? {
                return Err(self.failure(&format!("run-all ended with {status}")));
            }
            if begun.elapsed() > Self::START {
                return Err(self.failure("run-all does not get ready"));
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    fn interrupt(&self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::INT);
        }
    }

    fn end(&mut self, patience: Duration) -> Outcome<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if let Some(status) = self.child.try_wait().context(|| "waiting for run-all".to_owned())? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(self.failure("run-all does not stop"))
    }

    fn failure(&self, why: &str) -> Failure {
        let count = self.log_text().lines().count();
        Failure::new(format!("{why}; the end of its log:\n{}", self.log_lines(count.saturating_sub(60), 60)))
    }

    fn log_lines(&self, from: usize, count: usize) -> String {
        let text = self.log_text();
        text.lines().skip(from).take(count).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }

    fn log_text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn service_logs(&self) -> impl Iterator<Item = String> {
        let file = |name: &str| self.data.join(format!("logs/{name}.log"));
        let read =
            move |name| String::from_utf8_lossy(&fs::read(file(name)).unwrap_or_default()).into_owned();
        SERVICES.iter().map(move |service| read(service.name))
    }
}

impl Drop for Live {
    /// After a failed step: run-all stops its services when its standard input closes.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if self.end(Self::STOP).is_err() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

fn launch(data: &PathBuf, log: &PathBuf, servers: bool) -> Outcome<Child> {
    let output = File::create(log).context(|| format!("creating {}", log.display()))?;
    let errors = output.try_clone().context(|| format!("sharing {}", log.display()))?;
    // As the README has it. The tests have built this very program anew, so its own path may be stale by now; cargo
    // replaces itself by what it runs, so the child is the one to stop.
    let mut command = shell::cargo(["xtask", "run-all", "--reset", "--data-dir"]);
    command.arg(data).args(servers.then_some("--servers")).env("EXIT_WITH_PARENT", "1");
    command.stdin(Stdio::piped()).stdout(output).stderr(errors);
    command.spawn().context(|| "starting run-all".to_owned())
}
