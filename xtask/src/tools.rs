//! Tools that are not cargo's: pinned, and installed under `target/tools` when they are first needed.

use crate::failure::{Context, Failure, Outcome};
use crate::{shell, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The npm package of buf, and its version.
const BUF: &str = "@bufbuild/buf@1.75.0";
/// The newest version whose module file Go accepts.
const H2SPEC: &str = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible";
/// What `pip` installs, down to the last version.
const SCHEMATHESIS: &str = "xtask/schemathesis.txt";

/// The `buf` program.
pub(crate) fn buf() -> Outcome<PathBuf> {
    let folder = folder("buf");
    let program = folder.join("node_modules/.bin/buf");
    provide(&folder, BUF, || {
        needs("npm", "install Node.js to have .proto files checked")?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel", "error", "--prefix"]);
        shell::run(npm.arg(&folder).arg(BUF))
    })?;
    Ok(program)
}

/// The `schemathesis` program.
pub(crate) fn schemathesis() -> Outcome<PathBuf> {
    let folder = folder("schemathesis");
    let program = folder.join("bin/schemathesis");
    let list = workspace::root().join(SCHEMATHESIS);
    let pins = fs::read_to_string(&list).context(|| format!("reading {}", list.display()))?;
    provide(&folder, &pins, || {
        needs("python3", "install Python 3.10 or later to have the HTTP APIs fuzzed")?;
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        shell::run(pip.arg(&list))
    })?;
    Ok(program)
}

/// The `h2spec` program.
pub(crate) fn h2spec() -> Outcome<PathBuf> {
    let folder = folder("h2spec");
    provide(&folder, H2SPEC, || {
        needs("go", "install Go to have HTTP/2 held against its specification")?;
        shell::output(Command::new("go").args(["install", H2SPEC]).env("GOBIN", &folder)).map(drop)
    })?;
    Ok(folder.join("h2spec"))
}

/// Installs into an empty folder unless these very pins are installed there.
fn provide(folder: &Path, pins: &str, install: impl FnOnce() -> Outcome) -> Outcome {
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == pins) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(folder).context(|| format!("creating {}", folder.display()))?;
    install()?;
    fs::write(&stamp, pins).context(|| format!("writing {}", stamp.display()))
}

fn folder(tool: &str) -> PathBuf {
    workspace::target().join("tools").join(tool)
}

fn needs(program: &str, hint: &str) -> Outcome {
    let missing = || Failure::new(format!("{program} is not on the path; {hint}"));
    shell::which(program).map(drop).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_installed_once_and_again_when_its_pins_change() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("tool");
        let mut installs = 0;
        for pins in ["1", "1", "2", "2"] {
            provide(&folder, pins, || {
                installs += 1;
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(installs, 2);
    }

    #[test]
    fn a_failed_install_is_tried_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("tool");
        assert!(provide(&folder, "1", || Err(Failure::new("offline"))).is_err());
        assert!(provide(&folder, "1", || Err(Failure::new("still offline"))).is_err());
        assert!(provide(&folder, "1", || Ok(())).is_ok());
    }
}
