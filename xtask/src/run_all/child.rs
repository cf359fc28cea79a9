//! One process: started apart from our terminal, its lines sent on, ended politely first.

use super::supervisor::Event;
use crate::failure::{Context, Outcome};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

/// How to start it, again and again.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) program: PathBuf,
    pub(super) variables: Vec<(String, String)>,
}

/// A running process. Its standard input is a pipe that we hold and never write to: the service stops when the
/// pipe closes, so it does not outlive us even when we are killed.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    born: Instant,
}

impl Child {
    /// In a process group of its own, so that Ctrl-C reaches it from us alone, and in our order.
    pub(super) fn start(recipe: &Recipe, place: usize, events: &Sender<Event>) -> Outcome<Self> {
        let mut command = Command::new(&recipe.program);
        command.envs(recipe.variables.iter().map(|(name, value)| (name, value))).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().context(|| format!("starting {}", recipe.program.display()))?;
        if let Some(output) = process.stdout.take() {
            follow(output, place, events.clone());
        }
        if let Some(output) = process.stderr.take() {
            follow(output, place, events.clone());
        }
        Ok(Self { process, born: Instant::now() })
    }

    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    pub(super) fn age(&self) -> Duration {
        self.born.elapsed()
    }

    pub(super) fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it and everything it started, now.
    pub(super) fn kill(&mut self) {
        self.signal(Signal::KILL);
        drop(self.process.wait());
    }

    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        // An error means that it ended just now, which is what we want.
        group.map(|group| kill_process_group(group, signal).ok());
    }
}

fn follow(output: impl Read + Send + 'static, place: usize, events: Sender<Event>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(output);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            if events.send(Event::Line { place, line }).is_err() {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn shell(script: &str) -> (Child, mpsc::Receiver<Event>) {
        let (sender, events) = mpsc::channel();
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("service");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, executable).unwrap();
        let recipe = Recipe { program, variables: vec![("NAME".to_owned(), "x".to_owned())] };
        let child = Child::start(&recipe, 3, &sender).unwrap();
        // The shell has read its script once it says so; only then may the folder go.
        let Ok(Event::Line { place: 3, line }) = events.recv_timeout(PATIENCE) else { panic!("no line") };
        assert_eq!(line, "hello x");
        (child, events)
    }

    fn end(child: &mut Child) -> ExitStatus {
        let late = Instant::now() + PATIENCE;
        while Instant::now() < late {
            if let Some(status) = child.ended() {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        child.kill();
        panic!("it goes on after {PATIENCE:?}");
    }

    #[test]
    fn it_gets_its_variables_and_stops_when_asked() {
        let (mut child, _events) = shell("echo hello $NAME; read never");
        assert!(child.ended().is_none());
        child.ask_to_stop();
        assert!(!end(&mut child).success());
    }

    #[test]
    fn it_notices_when_we_are_gone() {
        let (mut child, _events) = shell("echo hello $NAME; read never; exit 7");
        drop(child.process.stdin.take());
        assert_eq!(end(&mut child).code(), Some(7));
    }

    #[test]
    fn it_can_be_killed() {
        let (mut child, _events) =
            shell("trap '' TERM; echo hello $NAME; while :; do read never || sleep 1; done");
        child.ask_to_stop();
        child.kill();
        assert!(!end(&mut child).success());
    }
}
