//! Running other programs: cargo above all.

use crate::failure::{Context, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::paint::{Colour, paint, say};
use crate::workspace;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// `cargo` at the root of the workspace, as if typed there.
pub(crate) fn cargo<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace::root());
    // `cargo run` describes this package in the environment. Build scripts that watch those variables would run
    // again, and rebuild what depends on them, each time a person and this program take turns.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(describes_a_package) {
            command.env_remove(name);
        }
    }
    command
}

/// Shows the command, runs it with this terminal and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Outcome {
    run_until(command, &Interrupt::default())
}

/// As [`run`], and ends the command when we are asked to stop.
pub(crate) fn run_until(command: &mut Command, interrupt: &Interrupt) -> Outcome {
    let line = line(command);
    say!("{}", paint(Colour::Dim, &format!("$ {line}")));
    let mut child = command.stdin(Stdio::null()).spawn().context(|| format!("starting `{line}`"))?;
    loop {
        if let Some(status) = child.try_wait().context(|| line.clone())? {
            let failed = || Failure::new(format!("`{line}` failed ({status})"));
            return if status.success() { Ok(()) } else { Err(failed()) };
        }
        if interrupt.requested() {
            drop(child.kill());
            drop(child.wait());
            return Err(Failure::new("stopped on request"));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// What the command prints; its error output is part of the failure.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let line = line(command);
    let output = command.stdin(Stdio::null()).output().context(|| format!("starting `{line}`"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("`{line}` failed ({}): {}", output.status, complaint.trim())))
}

/// Where that program is on the path.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    let root = format!("{}/", workspace::root().display());
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().replace(&root, ""));
    std::iter::once(name).chain(arguments.map(quoted)).collect::<Vec<_>>().join(" ")
}

fn quoted(argument: String) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,@+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) { argument } else { format!("'{argument}'") }
}

fn describes_a_package(name: &str) -> bool {
    const EXACT: [&str; 6] = [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_CRATE_NAME",
        "CARGO_BIN_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    name.starts_with("CARGO_PKG_") || EXACT.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_describes_a_package_is_hidden_from_cargo() {
        assert!(describes_a_package("CARGO_PKG_NAME"));
        assert!(describes_a_package("CARGO_MANIFEST_DIR"));
        assert!(!describes_a_package("CARGO_HOME"));
        assert!(!describes_a_package("CARGO_TARGET_DIR"));
        assert!(!describes_a_package("PATH"));
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/usr/bin/git");
        command.args(["log", "--format=%h %s"]);
        assert_eq!(line(&command), "git log '--format=%h %s'");
    }

    #[test]
    fn a_failing_command_says_what_it_said() {
        let mut command = Command::new("sh");
        let failure = output(command.args(["-c", "echo broken >&2; exit 3"])).unwrap_err();
        assert!(failure.to_string().contains("broken"), "{failure}");
        assert!(failure.to_string().contains("exit status: 3"), "{failure}");
    }

    #[test]
    fn an_interrupt_ends_the_command() {
        let interrupt = Interrupt::default();
        interrupt.raise();
        let failure = run_until(Command::new("sleep").arg("60"), &interrupt).unwrap_err();
        assert_eq!(failure.to_string(), "stopped on request");
    }
}
