//! `cargo xtask proto`: `buf lint`, and `buf breaking` against what was last agreed.

mod history;

use crate::failure::{Context, Outcome, Verdict};
use crate::paint::{Colour, paint, say};
use crate::{shell, tools, workspace};
use history::{Baseline, History};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Lint the .proto files and compare them with the last ones committed.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// The commit to compare with [default: main on another branch; on main HEAD, and where that is what lies here,
    /// the last tag before it or its parent]
    #[arg(long, value_name = "COMMIT")]
    against: Option<String>,
}

pub(crate) fn run(args: &Args) -> Outcome<Verdict> {
    let buf = tools::buf()?;
    shell::run(at_root(&buf).args(["lint", "proto"]))?;
    let history = History::new(workspace::root());
    let verdict = match history.baseline(args.against.clone()) {
        Baseline::Missing(reason) => Verdict::Partial(format!("linted, not compared: {reason}")),
        Baseline::Commit(commit) => {
            let before = unpack(&commit)?;
            shell::run(at_root(&buf).args(["breaking", "proto", "--against"]).arg(before.join("proto")))?;
            let how = if history.changed_since(&commit) { "compatible with" } else { "unchanged since" };
            Verdict::Held(format!("linted, {how} {commit}"))
        }
    };
    match &verdict {
        Verdict::Held(note) => say!("{} proto: {note}", paint(Colour::Green, "✓")),
        Verdict::Partial(note) => say!("{} proto: {note}", paint(Colour::Yellow, "–")),
    }
    Ok(verdict)
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

fn at_root(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    command
}
