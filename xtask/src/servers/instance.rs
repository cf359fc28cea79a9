//! A set of servers that live and end together: a folder with a record per kind.
//!
//! An instance with an owner ends with it: a guard process watches, and where that was killed too, the next start
//! sweeps up ([`sweep`]).

use super::kind::Kind;
use super::process::Process;
use super::record::{Node, Record};
use super::{control, install, ports, secret};
use crate::failure::{Context, Failure, Outcome};
use crate::workspace;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// The one for everyday work.
pub(crate) const DEFAULT: &str = "dev";
const ABOUT: &str = "instance.json";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(super) name: String,
    pub(super) folder: PathBuf,
}

/// What is fixed when it is made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) durable: bool,
    /// It ends with this process; without one it stays until `servers down`.
    pub(super) owner: Option<Process>,
    /// A file with its variables that is removed with it.
    #[serde(default)]
    pub(super) env_file: Option<PathBuf>,
}

impl Instance {
    /// By name: of `servers up`, or a data folder of `run-all`; by its path where that is elsewhere.
    pub(crate) fn named(name: &str) -> Self {
        if name.contains('/') {
            let folder = std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name));
            let inside = folder.join("servers");
            return Self::at(if inside.exists() { &inside } else { &folder });
        }
        let of_run = workspace::target().join("data").join(name).join("servers");
        let usual = parent().join(name);
        let folder = if !usual.exists() && of_run.exists() { of_run } else { usual };
        Self { name: name.to_owned(), folder }
    }

    /// In that very folder.
    pub(crate) fn at(folder: &Path) -> Self {
        let file_name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = match file_name(folder).as_str() {
            "servers" => folder.parent().map(file_name).unwrap_or_default(),
            name => name.to_owned(),
        };
        Self { name, folder: folder.to_path_buf() }
    }

    /// What [`named`](Self::named) finds it by.
    pub(crate) fn handle(&self) -> String {
        let data = self.folder.parent().filter(|_| self.folder.ends_with("servers")).unwrap_or(&self.folder);
        let by_name = Self::named(&self.name).folder == self.folder;
        if by_name { self.name.clone() } else { data.display().to_string() }
    }

    /// A name nobody else has.
    pub(crate) fn unique(what: &str) -> Outcome<Self> {
        Ok(Self::named(&format!("{what}-{:08x}", secret::number()? >> 32)))
    }

    /// The one a person means who names none: `dev`, or the only one there is.
    pub(super) fn meant(name: Option<&str>) -> Outcome<Self> {
        if let Some(name) = name {
            return Self::named(name).there();
        }
        let usual = Self::named(DEFAULT);
        let mut all = all();
        match (usual.exists(), all.len()) {
            (true, _) => Ok(usual),
            (false, 1) => Ok(all.remove(0)),
            (false, 0) => {
                Err(Failure::new("no servers of ours run; start some with `cargo xtask servers up`"))
            }
            (false, _) => {
                let names: Vec<&str> = all.iter().map(|instance| instance.name.as_str()).collect();
                Err(Failure::new(format!("which ones? say --name with one of {}", names.join(", "))))
            }
        }
    }

    pub(super) fn there(self) -> Outcome<Self> {
        let missing = || {
            Failure::new(format!("there is no instance `{}`; see `cargo xtask servers status`", self.name))
        };
        if self.exists() { Ok(self) } else { Err(missing()) }
    }

    pub(super) fn exists(&self) -> bool {
        self.folder.join(ABOUT).exists()
    }

    pub(super) fn about(&self) -> Option<About> {
        serde_json::from_slice(&fs::read(self.folder.join(ABOUT)).ok()?).ok()
    }

    pub(super) fn describe(&self, about: &About) -> Outcome {
        fs::create_dir_all(&self.folder).context(|| format!("creating {}", self.folder.display()))?;
        let text = serde_json::to_string_pretty(about).context(|| "describing an instance".to_owned())?;
        secret::write(&self.folder.join(ABOUT), &text)
    }

    pub(super) fn records(&self) -> Vec<Record> {
        Kind::ALL.into_iter().filter_map(|kind| self.record(kind)).collect()
    }

    pub(super) fn record(&self, kind: Kind) -> Option<Record> {
        Record::read(&self.file(kind, "json"))
    }

    pub(super) fn keep(&self, record: &Record) -> Outcome {
        record.write(&self.file(record.kind, "json"))
    }

    /// One at a time starts or stops servers of that kind.
    pub(super) fn lock(&self, kind: Kind) -> Outcome<File> {
        ports::lock(&self.file(kind, "lock"))
    }

    /// Ends all servers. Data of a durable instance stay; of others nothing does.
    pub(crate) fn down(&self) -> Outcome {
        let durable = self.about().is_some_and(|about| about.durable);
        for mut record in self.records() {
            if durable {
                control::stop(self, &mut record, None)?;
            } else {
                control::kill(self, &mut record, None)?;
            }
        }
        if durable { Ok(()) } else { self.remove() }
    }

    /// Ends what lost its owner.
    pub(crate) fn end_if_abandoned(&self) {
        if self.about().and_then(|about| about.owner).is_some_and(|owner| !owner.alive()) {
            // Its guard may be at the same: whatever goes wrong here is already done.
            drop(self.down());
        }
    }

    /// Ends all servers and removes their data.
    pub(crate) fn remove(&self) -> Outcome {
        for record in self.records() {
            record.nodes.iter().filter_map(|node| node.process.as_ref()).for_each(Process::kill);
            // Folders that had to be elsewhere; those inside go with the instance.
            let outside = |node: &&Node| !node.launch.folder.starts_with(&self.folder);
            record
                .nodes
                .iter()
                .filter(outside)
                .for_each(|node| drop(fs::remove_dir_all(&node.launch.folder)));
        }
        if let Some(file) = self.about().and_then(|about| about.env_file) {
            drop(fs::remove_file(file));
        }
        ports::release(&self.folder);
        self.remove_folder()
    }

    /// More than once where something still writes into it, such as a set-up whose parent was killed.
    fn remove_folder(&self) -> Outcome {
        let late = Instant::now() + Duration::from_secs(10);
        loop {
            match fs::remove_dir_all(&self.folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) if Instant::now() > late => {
                    return Err(error).context(|| format!("removing {}", self.folder.display()));
                }
                Err(_) => thread::sleep(Duration::from_millis(100)),
                Ok(()) => return Ok(()),
            }
        }
    }

    fn file(&self, kind: Kind, extension: &str) -> PathBuf {
        self.folder.join(format!("{kind}.{extension}"))
    }
}

/// All instances below `target`, those of `run-all` included.
pub(crate) fn all() -> Vec<Instance> {
    let folders =
        |parent: PathBuf| fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path());
    let of_runs = folders(workspace::target().join("data")).map(|data| data.join("servers"));
    let mut all: Vec<Instance> = folders(parent())
        .chain(of_runs)
        .map(|folder| Instance::at(&folder))
        .filter(Instance::exists)
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// Ends every instance that lost its owner, and removes what a killed set-up left on the machine.
pub(crate) fn sweep() {
    install::sweep();
    all().iter().for_each(Instance::end_if_abandoned);
}

pub(super) fn parent() -> PathBuf {
    workspace::target().join("servers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_called_as_its_folder_or_its_run() {
        assert_eq!(Instance::at(Path::new("/t/servers/dev")).name, "dev");
        assert_eq!(Instance::at(Path::new("/t/data/run-all/servers")).name, "run-all");
        assert_ne!(Instance::unique("test").unwrap(), Instance::unique("test").unwrap());
    }

    #[test]
    fn an_instance_elsewhere_is_found_by_its_path() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data/servers");
        fs::create_dir_all(&folder).unwrap();
        let instance = Instance::at(&folder);
        assert_eq!(instance.handle(), parent.path().join("data").display().to_string());
        assert_eq!(Instance::named(&instance.handle()), instance);
        assert_eq!(Instance::unique("test").unwrap().handle().split('-').next(), Some("test"));
    }

    #[test]
    fn a_missing_instance_says_where_to_look() {
        let failure = Instance::named("nobody-made-this").there().unwrap_err().to_string();
        assert!(failure.contains("servers status"), "{failure}");
    }

    #[test]
    fn an_instance_without_servers_goes_without_a_trace() {
        let parent = tempfile::tempdir().unwrap();
        let instance = Instance::at(&parent.path().join("x"));
        let env_file = parent.path().join("env");
        fs::write(&env_file, "").unwrap();
        instance.describe(&About { durable: false, owner: None, env_file: Some(env_file.clone()) }).unwrap();
        assert!(instance.exists() && instance.records().is_empty());
        instance.down().unwrap();
        assert!(!instance.folder.exists() && !env_file.exists());
        instance.down().unwrap();
    }
}
