//! Packages of Debian, where we are root. The servers that packages start by themselves are kept from starting.

use super::ports;
use crate::failure::{Context, Failure, Outcome};
use crate::{shell, workspace};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Asked by Debian's packages whether a service may be started; absent on most machines.
const POLICY: &str = "/usr/sbin/policy-rc.d";

pub(super) fn possible() -> bool {
    rustix::process::geteuid().is_root() && shell::which("apt-get").is_some()
}

pub(super) fn packages(names: &[&str]) -> Outcome {
    let folder = workspace::target().join("servers");
    fs::create_dir_all(&folder).context(|| format!("creating {}", folder.display()))?;
    let _turn = ports::lock(&folder.join("apt.lock"))?;
    update()?;
    let _policy = Policy::forbid()?;
    let mut install = apt(&["install", "-y", "--no-install-recommends"]);
    shell::output(install.args(names)).map(drop)
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
struct Policy;

impl Policy {
    fn forbid() -> Outcome<Option<Self>> {
        if Path::new(POLICY).exists() {
            return Ok(None);
        }
        let doing = || format!("writing {POLICY}");
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").context(doing)?;
        fs::set_permissions(POLICY, Permissions::from_mode(0o755)).context(doing)?;
        Ok(Some(Self))
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        drop(fs::remove_file(POLICY));
    }
}
