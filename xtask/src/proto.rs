//! `cargo xtask proto`: `buf lint`, and `buf breaking` against what was last agreed.

use crate::failure::{Context, Outcome};
use crate::paint::{Colour, paint, say};
use crate::{shell, tools, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lint the .proto files and compare them with the last ones committed.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// The commit to compare with [default: main, or the last commit when on main]
    #[arg(long, value_name = "COMMIT")]
    against: Option<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let buf = tools::buf()?;
    shell::run(at_root(&buf).args(["lint", "proto"]))?;
    let Some(commit) = args.against.clone().or_else(agreed) else {
        skip("no commit to compare with yet");
        return Ok(());
    };
    if !has_protos(&commit) {
        skip(&format!("{commit} has no .proto files to compare with"));
        return Ok(());
    }
    let before = unpack(&commit)?;
    shell::run(at_root(&buf).args(["breaking", "proto", "--against"]).arg(before.join("proto")))?;
    say!("{} proto: clean, and compatible with {commit}", paint(Colour::Green, "✓"));
    Ok(())
}

fn skip(reason: &str) {
    say!("{} proto: clean; {reason}", paint(Colour::Green, "✓"));
}

/// The main branch, or on it the last commit.
fn agreed() -> Option<String> {
    let branch = git(&["rev-parse", "--abbrev-ref", "HEAD"])?;
    let main = git(&["rev-parse", "--verify", "--quiet", "main"]);
    Some(if main.is_some() && branch.trim() != "main" { "main" } else { "HEAD" }.to_owned())
}

fn has_protos(commit: &str) -> bool {
    let files = git(&["ls-tree", "-r", "--name-only", commit, "proto"]);
    let proto = |file: &str| Path::new(file).extension().is_some_and(|extension| extension == "proto");
    files.is_some_and(|files| files.lines().any(proto))
}

/// The `proto` folder of that commit; buf could read git itself, but not from a linked working tree.
fn unpack(commit: &str) -> Outcome<PathBuf> {
    let folder = workspace::target().join("tools/proto-before");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).context(|| format!("creating {}", folder.display()))?;
    let archive = folder.join("proto.tar");
    shell::output(at_root("git").args(["archive", "--output"]).arg(&archive).args([commit, "proto"]))?;
    shell::output(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&folder))?;
    Ok(folder)
}

fn git(arguments: &[&str]) -> Option<String> {
    shell::output(at_root("git").args(arguments)).ok()
}

fn at_root(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    command
}
