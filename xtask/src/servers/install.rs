//! Packages of Debian, where we are root. The servers that packages start by themselves are kept from starting, by a file
//! that says no to all services of the machine: it must not stay. Ctrl-C waits for its end, and what a killed process
//! left is known by its mark and swept up.

use super::ports;
use super::process::Process;
use crate::failure::{Context, Failure, Outcome};
use crate::{interrupt, shell, workspace};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Asked by Debian's packages whether a service may be started; absent on most machines.
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Before the process that wrote it.
const MARK: &str = "# cargo xtask ";

pub(super) fn possible() -> bool {
    rustix::process::geteuid().is_root() && shell::which("apt-get").is_some()
}

pub(super) fn packages(names: &[&str]) -> Outcome {
    let folder = workspace::target().join("servers");
    fs::create_dir_all(&folder).context(|| format!("creating {}", folder.display()))?;
    let _turn = ports::lock(&folder.join("apt.lock"))?;
    update()?;
    interrupt::postponed(|| {
        let _policy = Policy::forbid(Path::new(POLICY))?;
        let mut install = apt(&["install", "-y", "--no-install-recommends"]);
        shell::output(install.args(names)).map(drop)
    })
}

/// Programs on the path, each with its Debian package: installs what is missing where we may, and fails otherwise.
pub(crate) fn tools(wanted: &[(&str, &str)]) -> Outcome {
    let missing: Vec<_> = wanted
        .iter()
        .filter(|(program, _)| shell::which(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !possible() {
        return Err(Failure::new(format!("this needs more programs: apt-get install {}", missing.join(" "))));
    }
    packages(&missing)
}

/// Removes what a process left that is gone.
pub(super) fn sweep() {
    sweep_at(Path::new(POLICY));
}

fn sweep_at(path: &Path) {
    let writer = fs::read_to_string(path).ok().and_then(|text| writer(&text));
    if writer.is_some_and(|writer| !writer.alive()) {
        // Without the right to remove it, the next of us who is root does.
        drop(fs::remove_file(path));
    }
}

/// None where it is somebody else's.
fn writer(text: &str) -> Option<Process> {
    let mark = text.lines().find_map(|line| line.strip_prefix(MARK))?;
    serde_json::from_str(mark).ok()
}

/// Once per process; its outcome counts for all.
fn update() -> Outcome {
    static UPDATED: OnceLock<Result<(), String>> = OnceLock::new();
    let update =
        || shell::output(&mut apt(&["update", "-q"])).map(drop).map_err(|failure| failure.to_string());
    UPDATED.get_or_init(update).clone().map_err(Failure::new)
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Says no to services for as long as it lives.
#[derive(Debug)]
struct Policy(PathBuf);

impl Policy {
    /// None where somebody else's is there, which has its reasons.
    fn forbid(path: &Path) -> Outcome<Option<Self>> {
        sweep_at(path);
        if path.exists() {
            return Ok(None);
        }
        let doing = || format!("writing {}", path.display());
        let mark = serde_json::to_string(&Process::this()?).context(doing)?;
        let policy = Self(path.to_path_buf());
        fs::write(path, format!("#!/bin/sh\n{MARK}{mark}\nexit 101\n")).context(doing)?;
        fs::set_permissions(path, Permissions::from_mode(0o755)).context(doing)?;
        Ok(Some(policy))
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_forbidden_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy");
        let policy = Policy::forbid(&path).unwrap().unwrap();
        let status = Command::new(&path).status().unwrap();
        assert_eq!(status.code(), Some(101));
        sweep_at(&path);
        assert!(path.exists(), "its writer lives");
        drop(policy);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_process_left_is_swept_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy");
        fs::write(&path, format!("#!/bin/sh\n{MARK}{{\"pid\":1,\"born\":\"never\"}}\nexit 101\n")).unwrap();
        assert!(Policy::forbid(&path).unwrap().is_some(), "it is no stranger's");
        assert!(!path.exists());
    }

    #[test]
    fn somebody_else_s_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy");
        fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
        assert!(Policy::forbid(&path).unwrap().is_none());
        assert!(path.exists());
    }
}
