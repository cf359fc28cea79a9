//! A process that goes on without us, and is found again by its id and its birth: ids are used again.

use crate::failure::{Context, Outcome};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(super) pid: u32,
    born: String,
}

impl Process {
    pub(crate) fn this() -> Outcome<Self> {
        Self::of(std::process::id())
    }

    /// The process that has this id now, or had it and was not yet waited for.
    pub(super) fn of(pid: u32) -> Outcome<Self> {
        let none = || crate::failure::Failure::new(format!("there is no process {pid}"));
        state(pid).map(|state| Self { pid, born: state.born }).ok_or_else(none)
    }

    /// One that ended and was not yet waited for is not alive.
    pub(super) fn alive(&self) -> bool {
        state(self.pid).is_some_and(|state| state.born == self.born && !state.gone)
    }

    pub(super) fn signal(&self, signal: Signal) {
        if self.alive()
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            // An error means that it ended just now, which is what we want.
            let _ = kill_process(pid, signal);
        }
    }

    /// Whether it ended in time.
    pub(super) fn ends_within(&self, patience: Duration) -> bool {
        let begun = Instant::now();
        while self.alive() {
            if begun.elapsed() > patience {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Ends it and its children at once, as a crash of the machine would.
    pub(super) fn kill(&self) {
        if !self.alive() {
            return;
        }
        let family: Vec<Self> = children(self.pid).into_iter().filter_map(|pid| Self::of(pid).ok()).collect();
        let all = || std::iter::once(self).chain(&family);
        all().for_each(|process| process.signal(Signal::KILL));
        for process in all() {
            let _ = process.ends_within(Duration::from_secs(5));
        }
    }
}

/// How to start a server, again and again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
    /// Its working directory.
    pub(super) folder: PathBuf,
    /// Whom it runs as, where that is not us.
    pub(super) user: Option<User>,
    /// What it prints is added here.
    pub(super) log: PathBuf,
}

impl Launch {
    /// In a process group of its own, so that Ctrl-C in this terminal does not reach it.
    pub(super) fn start(&self) -> Outcome<Process> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.context(|| format!("opening {}", self.log.display()))?;
        let errors = log.try_clone().context(|| format!("sharing {}", self.log.display()))?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(&self.variables).current_dir(&self.folder);
        command.process_group(0).stdin(Stdio::null()).stdout(log).stderr(errors);
        if let Some(user) = self.user {
            user.runs(&mut command);
        }
        let child = command.spawn().context(|| format!("starting {}", self.program.display()))?;
        Process::of(child.id())
    }

    /// The last lines of the log, indented.
    pub(super) fn last_words(&self) -> String {
        let text = String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(20)..];
        let shown = last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n");
        if shown.is_empty() { "    (nothing)".to_owned() } else { shown }
    }
}

/// An account of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// For servers that refuse to run as root: the first of these accounts, or nobody else where we are not root.
    pub(super) fn instead_of_root(accounts: &[&str]) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let table = fs::read_to_string("/etc/passwd").unwrap_or_default();
        accounts.iter().chain(&["nobody"]).find_map(|account| Self::listed(&table, account))
    }

    fn listed(table: &str, account: &str) -> Option<Self> {
        let row = table.lines().find(|line| line.split(':').next() == Some(account))?;
        let mut numbers = row.split(':').skip(2).map(str::parse);
        Some(Self { uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()? })
    }

    pub(super) fn runs(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    pub(super) fn owns(self, path: &Path) -> Outcome {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .context(|| format!("giving {} to its server", path.display()))
    }
}

struct State {
    parent: u32,
    born: String,
    /// Only its exit status is left.
    gone: bool,
}

fn state(pid: u32) -> Option<State> {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(line) => read(&line),
        Err(_) if Path::new("/proc/self").exists() => None,
        Err(_) => asked(pid),
    }
}

/// The line of Linux: the name is in parentheses and may hold anything; birth is in ticks since the machine started.
fn read(line: &str) -> Option<State> {
    let (_, rest) = line.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let gone = matches!(*fields.first()?, "Z" | "X");
    Some(State { parent: fields.get(1)?.parse().ok()?, born: (*fields.get(19)?).to_owned(), gone })
}

/// Where there is no `/proc`.
fn asked(pid: u32) -> Option<State> {
    let mut ps = Command::new("ps");
    let text = crate::shell::output(ps.args(["-o", "stat=,ppid=,lstart=", "-p", &pid.to_string()])).ok()?;
    let mut words = text.split_whitespace();
    let gone = words.next()?.starts_with('Z');
    let parent = words.next()?.parse().ok()?;
    Some(State { parent, born: words.collect::<Vec<_>>().join(" "), gone })
}

fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| state(*pid).is_some_and(|state| state.parent == parent)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(folder: &Path, script: &str) -> Launch {
        Launch {
            program: PathBuf::from("/bin/sh"),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            variables: BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]),
            folder: folder.to_path_buf(),
            user: None,
            log: folder.join("log"),
        }
    }

    #[test]
    fn a_process_is_known_by_its_birth() {
        let this = Process::this().unwrap();
        assert!(this.alive());
        let impostor = Process { born: "0".to_owned(), ..this };
        assert!(!impostor.alive());
        assert!(impostor.ends_within(Duration::ZERO));
    }

    #[test]
    fn a_server_is_started_apart_and_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let process = launch(folder.path(), "echo $GREETING; sleep 600 & wait").start().unwrap();
        assert!(process.alive());
        process.kill();
        assert!(!process.alive());
    }

    #[test]
    fn what_it_printed_last_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let launch = launch(folder.path(), "echo $GREETING; exit 3");
        let process = launch.start().unwrap();
        assert!(process.ends_within(Duration::from_secs(30)), "an ended child counts as gone");
        assert_eq!(launch.last_words(), "    hello");
    }

    #[test]
    fn names_with_spaces_and_parentheses_are_read() {
        let line = format!("42 (a) (b c) S 7 {} 9001 0 0", ["0"; 17].join(" "));
        let state = read(&line).unwrap();
        assert_eq!((state.parent, state.born.as_str(), state.gone), (7, "9001", false));
        assert!(read(&line.replace(" S ", " Z ")).unwrap().gone);
    }

    #[test]
    fn accounts_are_looked_up() {
        let table = "root:x:0:0::/root:/bin/sh\npostgres:x:101:102::/var/lib:/bin/sh\n";
        assert_eq!(User::listed(table, "postgres"), Some(User { uid: 101, gid: 102 }));
        assert_eq!(User::listed(table, "mysql"), None);
    }
}
