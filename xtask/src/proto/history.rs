//! Which commit the .proto files are compared with: never with themselves.

use crate::shell;
use std::path::{Path, PathBuf};
use std::process::Command;

/// All .proto files, for git.
const PROTOS: &str = "proto/*.proto";

/// The commits of a repository.
pub(super) struct History {
    root: PathBuf,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Baseline {
    /// A name of a commit that has .proto files.
    Commit(String),
    /// Why there is none.
    Missing(String),
}

impl History {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The named commit, or the one that is agreed.
    pub(super) fn baseline(&self, named: Option<String>) -> Baseline {
        match named.map_or_else(|| self.agreed(), Ok) {
            Err(reason) => Baseline::Missing(reason.to_owned()),
            Ok(commit) if self.has_protos(&commit) => Baseline::Commit(commit),
            Ok(commit) => Baseline::Missing(format!("{commit} has no .proto files")),
        }
    }

    /// Whether the files that lie here are others than those of that commit.
    pub(super) fn changed_since(&self, commit: &str) -> bool {
        let some = |arguments: &[&str]| self.git(arguments).is_none_or(|names| !names.is_empty());
        some(&["diff", "--name-only", commit, "--", PROTOS])
            || some(&["ls-files", "--others", "--exclude-standard", "--", PROTOS])
    }

    fn agreed(&self) -> Result<String, &'static str> {
        let head = self.commit("HEAD").ok_or("there is no commit yet")?;
        if self.commit("main").is_some_and(|main| main != head) {
            return Ok("main".to_owned());
        }
        if self.changed_since("HEAD") {
            return Ok("HEAD".to_owned());
        }
        self.commit("HEAD~1").ok_or("there is no commit before HEAD here")?;
        Ok(self.git(&["describe", "--tags", "--abbrev=0", "HEAD~1"]).unwrap_or_else(|| "HEAD~1".to_owned()))
    }

    fn commit(&self, name: &str) -> Option<String> {
        self.git(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])
    }

    fn has_protos(&self, commit: &str) -> bool {
        let files = self.git(&["ls-tree", "-r", "--name-only", commit, "proto/"]).unwrap_or_default();
        files.lines().any(|file| Path::new(file).extension().is_some_and(|extension| extension == "proto"))
    }

    fn git(&self, arguments: &[&str]) -> Option<String> {
        let text = shell::output(Command::new("git").args(arguments).current_dir(&self.root)).ok()?;
        Some(text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    struct Repository {
        folder: TempDir,
        history: History,
    }

    impl Repository {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let history = History::new(folder.path().to_path_buf());
            let repository = Self { folder, history };
            repository.git(&["init", "--quiet", "--initial-branch", "main"]);
            repository
        }

        fn git(&self, arguments: &[&str]) {
            let who = ["-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false"];
            let mut git = Command::new("git");
            shell::output(git.args(who).args(arguments).current_dir(self.folder.path())).unwrap();
        }

        fn write(&self, file: &str, text: &str) {
            let path = self.folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn commit(&self, file: &str, text: &str) {
            self.write(file, text);
            self.git(&["add", "."]);
            self.git(&["commit", "--quiet", "--message", "x"]);
        }

        fn baseline(&self) -> Baseline {
            self.history.baseline(None)
        }
    }

    fn commit(name: &str) -> Baseline {
        Baseline::Commit(name.to_owned())
    }

    fn missing(reason: &str) -> Baseline {
        Baseline::Missing(reason.to_owned())
    }

    #[test]
    fn main_is_never_compared_with_itself() {
        let repository = Repository::new();
        assert_eq!(repository.baseline(), missing("there is no commit yet"));
        repository.commit("README.md", "a");
        assert_eq!(repository.baseline(), missing("there is no commit before HEAD here"));
        repository.commit("proto/a/v1/a.proto", "a");
        assert_eq!(repository.baseline(), missing("HEAD~1 has no .proto files"));
        repository.commit("proto/a/v1/a.proto", "b");
        assert_eq!(repository.baseline(), commit("HEAD~1"));
        assert!(repository.history.changed_since("HEAD~1") && !repository.history.changed_since("HEAD"));
    }

    #[test]
    fn what_is_not_committed_is_compared_with_head() {
        let repository = Repository::new();
        repository.commit("proto/a.proto", "a");
        repository.write("proto/src/lib.rs", "not a contract");
        assert_eq!(repository.baseline(), missing("there is no commit before HEAD here"));
        repository.write("proto/new.proto", "a");
        assert_eq!(repository.baseline(), commit("HEAD"));
    }

    #[test]
    fn the_last_tag_before_head_counts_more_than_the_parent() {
        let repository = Repository::new();
        repository.commit("proto/a.proto", "a");
        repository.git(&["tag", "v1"]);
        repository.commit("proto/a.proto", "b");
        repository.commit("proto/a.proto", "c");
        repository.git(&["tag", "v2"]);
        assert_eq!(repository.baseline(), commit("v1"));
        repository.commit("README.md", "a");
        assert_eq!(repository.baseline(), commit("v2"));
        assert!(!repository.history.changed_since("v2"));
    }

    #[test]
    fn a_branch_is_compared_with_main_and_anything_with_what_is_named() {
        let repository = Repository::new();
        repository.commit("proto/a.proto", "a");
        repository.git(&["checkout", "--quiet", "-b", "feature"]);
        repository.commit("proto/a.proto", "b");
        assert_eq!(repository.baseline(), commit("main"));
        assert_eq!(repository.history.baseline(Some("HEAD".to_owned())), commit("HEAD"));
        assert_eq!(repository.history.baseline(Some("v9".to_owned())), missing("v9 has no .proto files"));
    }
}
