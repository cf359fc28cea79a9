//! Tools that measure a server and do not come with it.

use super::targets::Target;
use crate::paint::{Colour, paint, say};
use crate::servers::Kind;
use crate::shell;
use std::process::Command;

/// Installs what is missing where we may. Without a tool there are measurements without a limit, which say what to do.
pub(super) fn provide(targets: &[&Target]) {
    let wanted = targets.iter().any(|target| target.servers.contains(&Kind::MariaDb));
    let possible = rustix::process::geteuid().is_root() && shell::which("apt-get").is_some();
    if !wanted || !possible || shell::which("sysbench").is_some() {
        return;
    }
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "--no-install-recommends", "sysbench"]);
    if let Err(failure) = shell::output(install.env("DEBIAN_FRONTEND", "noninteractive")) {
        say!("{} MariaDB will have no limit to compare with: {failure}", paint(Colour::Yellow, "–"));
    }
}
