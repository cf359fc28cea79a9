//! The folder of one run: stores, event log, log files, and marks that tell other commands about the run.

use super::child;
use crate::failure::{Context, Failure, Outcome};
use crate::servers::{Instance, secret};
use crate::workspace;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Holds the process id of the run that uses the folder.
const PID: &str = "run-all.pid";
/// Exists while everything is ready and seeded.
const READY: &str = "run-all.ready";
/// Says that the folder is ours, so that `--reset` never removes somebody else's.
const OURS: &str = "run-all.folder";
/// How the services were started, for commands that call them again; passwords are in it.
const RECIPES: &str = "run-all.services.json";

/// A program and its variables.
pub(crate) type Recipe = (PathBuf, BTreeMap<String, String>);
/// By the name of a service.
pub(crate) type Recipes = BTreeMap<String, Recipe>;

#[derive(Debug)]
pub(crate) struct Session {
    folder: PathBuf,
}

impl Session {
    /// Takes the folder for this process; it makes it, or empties it first when asked.
    pub(super) fn open(folder: &Path, reset: bool) -> Outcome<Self> {
        check(folder)?;
        if reset {
            remove(folder)?;
        }
        let session = Self { folder: folder.to_path_buf() };
        fs::create_dir_all(session.logs()).context(|| format!("creating {}", folder.display()))?;
        mark(folder)?;
        drop(fs::remove_file(folder.join(READY)));
        session.write(PID, &std::process::id().to_string())?;
        Ok(session)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Tells whoever waits that everything is up.
    pub(super) fn mark_ready(&self) -> Outcome {
        self.write(READY, "")
    }

    pub(super) fn keep_recipes<'a>(
        &self,
        recipes: impl Iterator<Item = (&'static str, &'a child::Recipe)>,
    ) -> Outcome {
        let described = recipes.map(|(name, recipe)| {
            let variables: BTreeMap<_, _> = recipe.variables.iter().cloned().collect();
            (name.to_owned(), json!([recipe.program, variables]))
        });
        let text = Value::Object(described.collect()).to_string();
        secret::write(&self.folder.join(RECIPES), &text)
    }

    fn write(&self, name: &str, text: &str) -> Outcome {
        let path = self.folder.join(name);
        fs::write(&path, text).context(|| format!("writing {}", path.display()))
    }
}

/// Fails where another run uses the folder.
pub(super) fn check(folder: &Path) -> Outcome {
    let Some(pid) = running(folder) else { return Ok(()) };
    let shown = folder.display();
    Err(Failure::new(format!(
        "a run with process id {pid} uses {shown}; stop it with `cargo xtask services-stop` or Ctrl-C, or take \
         another folder with --data-dir"
    )))
}

/// The folder of a run, absolute, because services need not share our working directory.
pub(crate) fn folder(named: Option<&Path>) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_else(|_| workspace::root());
    named.map_or_else(|| workspace::target().join("data/run-all"), |folder| here.join(folder))
}

/// What to type for a token of that shop.
pub(crate) fn token_command(user: &str, roles: &[&str], folder: &Path) -> String {
    let roles = roles.iter().flat_map(|role| [" --role ", role]).collect::<Vec<_>>().concat();
    format!("cargo xtask token --user {user}{roles}{}", option(folder))
}

/// Says to a command which shop is meant, where it is not the usual one, as one word for a shell.
pub(crate) fn option(folder: &Path) -> String {
    if folder == self::folder(None) {
        return String::new();
    }
    format!(" --data-dir '{}'", folder.display().to_string().replace('\'', r"'\''"))
}

/// Marks a folder as ours that is not yet there. One that has something else in it stays as it is.
pub(crate) fn claim(folder: &Path) -> Outcome {
    if folder.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder).context(|| format!("creating {}", folder.display()))?;
    mark(folder)
}

fn mark(folder: &Path) -> Outcome {
    let path = folder.join(OURS);
    fs::write(&path, "Data of `cargo xtask run-all`; may be removed at any time.\n")
        .context(|| format!("writing {}", path.display()))
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(fs::remove_file(self.folder.join(READY)));
        drop(fs::remove_file(self.folder.join(PID)));
    }
}

/// The process that runs on this folder now.
pub(crate) fn running(folder: &Path) -> Option<u32> {
    let pid = fs::read_to_string(folder.join(PID)).ok()?.trim().parse().ok()?;
    (pid != std::process::id() && alive(pid)).then_some(pid)
}

/// Whether there is a run on this folder, up and seeded. A run that was killed may have left the mark.
pub(crate) fn ready(folder: &Path) -> bool {
    folder.join(READY).exists() && running(folder).is_some()
}

/// How the services of the last run on this folder were started.
pub(crate) fn recipes(folder: &Path) -> Outcome<Recipes> {
    let path = folder.join(RECIPES);
    let none = || format!("{} is not there; start a run with `cargo xtask run-all`", path.display());
    let text = fs::read(&path).context(none)?;
    serde_json::from_slice(&text).context(|| format!("reading {}", path.display()))
}

/// Asks a run to stop, as Ctrl-C would.
pub(crate) fn ask_to_stop(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// Process ids are used again: on Linux a process counts only when its command is ours, be it `run-all`, `dev` or `ci`.
pub(crate) fn alive(pid: u32) -> bool {
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(command) => is_ours(&command),
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
        }
    }
}

fn is_ours(command: &[u8]) -> bool {
    let program = command.split(|byte| *byte == 0).next().unwrap_or_default();
    let program = String::from_utf8_lossy(program);
    program.trim_end_matches(" (deleted)").rsplit('/').next().is_some_and(|name| name.starts_with("xtask"))
}

fn remove(folder: &Path) -> Outcome {
    let Ok(mut entries) = fs::read_dir(folder) else { return Ok(()) };
    if entries.next().is_some() && !folder.join(OURS).exists() {
        let shown = folder.display();
        return Err(Failure::new(format!(
            "{shown} holds something else; --reset removes only folders of run-all"
        )));
    }
    // Servers that a killed run left behind hold files here, and perhaps a folder elsewhere.
    Instance::at(&folder.join("servers")).remove()?;
    fs::remove_dir_all(folder).context(|| format!("removing {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_marks_its_folder_and_cleans_up() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let session = Session::open(&folder, false).unwrap();
        session.mark_ready().unwrap();
        assert!(folder.join(READY).exists() && session.logs().is_dir());
        drop(session);
        assert!(!folder.join(READY).exists() && running(&folder).is_none());
    }

    #[test]
    fn how_services_were_started_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        assert!(recipes(&folder).unwrap_err().to_string().contains("cargo xtask run-all"));
        let session = Session::open(&folder, false).unwrap();
        let variables = vec![("DB_PASSWORD".to_owned(), "secret".to_owned())];
        let recipe = child::Recipe { program: PathBuf::from("/bin/product-service"), variables };
        session.keep_recipes([("product", &recipe)].into_iter()).unwrap();
        drop(session);
        let (program, variables) = recipes(&folder).unwrap().remove("product").unwrap();
        assert_eq!(program, recipe.program);
        assert_eq!(variables["DB_PASSWORD"], "secret");
    }

    #[test]
    fn every_verb_that_runs_the_shop_counts() {
        for ours in ["/repo/target/debug/xtask\0run-all\0", "target/debug/xtask\0dev\0--port\0gateway=1\0"] {
            assert!(is_ours(ours.as_bytes()), "{ours}");
        }
        for other in ["/usr/bin/vim\0xtask\0", "run-all\0", ""] {
            assert!(!is_ours(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn reset_removes_our_folder_only() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        drop(Session::open(&folder, true).unwrap());
        fs::write(folder.join("product.sqlite"), "x").unwrap();
        drop(Session::open(&folder, true).unwrap());
        assert!(!folder.join("product.sqlite").exists());

        let foreign = parent.path().join("home");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("letter"), "x").unwrap();
        assert!(Session::open(&foreign, true).unwrap_err().to_string().contains("holds something else"));
        assert!(foreign.join("letter").exists());
    }

    #[test]
    fn a_folder_claimed_before_its_first_run_may_be_reset() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        claim(&folder).unwrap();
        fs::write(folder.join("key"), "x").unwrap();
        claim(&folder).unwrap();
        assert!(folder.join("key").exists());
        drop(Session::open(&folder, true).unwrap());
        assert!(!folder.join("key").exists());
        let foreign = parent.path().join("home");
        fs::create_dir(&foreign).unwrap();
        claim(&foreign).unwrap();
        assert!(!foreign.join(OURS).exists());
    }

    #[test]
    fn commands_name_the_shop_where_it_is_not_the_usual_one() {
        let usual = token_command("root", &["admin"], &folder(None));
        assert_eq!(usual, "cargo xtask token --user root --role admin");
        let other = token_command("ada", &[], Path::new("/my shop's"));
        assert_eq!(other, r"cargo xtask token --user ada --data-dir '/my shop'\''s'");
    }

    #[test]
    fn a_stale_process_id_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PID), "1").unwrap();
        fs::write(folder.path().join(READY), "").unwrap();
        assert_eq!(running(folder.path()), None);
        assert!(!ready(folder.path()));
        fs::write(folder.path().join(PID), "garbage").unwrap();
        assert_eq!(running(folder.path()), None);
    }
}
