//! Follows the sources: what changed is rebuilt, and the services built from it are started again.
//!
//! Times of change are compared once a second, which needs no library and works on every file system.

use super::supervisor::{Event, Handle};
use crate::build;
use crate::catalogue::Address;
use crate::failure::Outcome;
use crate::paint::{Colour, paint, say};
use crate::workspace;
use cargo_metadata::{DependencyKind, Metadata};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

/// Ends its thread, and the build it may be at, when dropped after a request to stop.
pub(super) struct Watcher(Option<JoinHandle<()>>);

impl Watcher {
    pub(super) fn start(chosen: &[Address], release: bool, handle: Handle) -> Outcome<Self> {
        let folders = folders(&workspace::members()?, chosen);
        let chosen = chosen.to_vec();
        let thread = thread::spawn(move || follow(&folders, &chosen, release, &handle));
        Ok(Self(Some(thread)))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.0.take().map(JoinHandle::join));
    }
}

/// From a folder or file, relative to the root, to the services that are built from it.
type Folders = BTreeMap<PathBuf, BTreeSet<&'static str>>;

/// How many files a folder has and when the last of them changed.
type Print = (usize, Option<SystemTime>);

fn follow(folders: &Folders, chosen: &[Address], release: bool, handle: &Handle) {
    let mut before = prints(folders);
    while !handle.interrupt.requested() {
        thread::sleep(Duration::from_secs(1));
        let now = prints(folders);
        let changed: Vec<&Path> = now
            .iter()
            .filter(|(path, print)| before.get(*path) != Some(print))
            .map(|(path, _)| *path)
            .collect();
        if changed.is_empty() {
            continue;
        }
        let names: BTreeSet<&'static str> =
            changed.iter().flat_map(|path| folders[*path].iter().copied()).collect();
        let because = changed.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        rebuild(chosen, &names, &because, release, handle);
        before = now;
    }
}

fn rebuild(
    chosen: &[Address],
    names: &BTreeSet<&'static str>,
    because: &str,
    release: bool,
    handle: &Handle,
) {
    let affected: Vec<Address> =
        chosen.iter().filter(|address| names.contains(address.service.name)).copied().collect();
    match build::services(&affected, release, &handle.interrupt) {
        Ok(()) => {
            let names = affected.iter().map(|address| address.service.name).collect();
            drop(handle.events.send(Event::Rebuilt { names, because: because.to_owned() }));
        }
        Err(failure) if !handle.interrupt.requested() => {
            say!("{} {failure}; what runs keeps running until the next change", paint(Colour::Red, "✗"));
        }
        Err(_) => {}
    }
}

fn folders(metadata: &Metadata, chosen: &[Address]) -> Folders {
    let mut folders = Folders::new();
    for address in chosen {
        let name = address.service.name;
        for package in built_from(metadata, address.service.binary) {
            folders.entry(package).or_default().insert(name);
        }
        let migrations = Path::new("db").join(name);
        for path in [migrations, PathBuf::from("Cargo.toml"), PathBuf::from("Cargo.lock")] {
            folders.entry(path).or_default().insert(name);
        }
    }
    folders
}

/// The folders of that package and of all of ours that it is built from.
fn built_from(metadata: &Metadata, binary: &str) -> BTreeSet<PathBuf> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![binary.to_owned()];
    while let Some(name) = waiting.pop() {
        let Some(package) = metadata.packages.iter().find(|package| *package.name == name) else { continue };
        let folder =
            package.manifest_path.parent().map(|folder| folder.strip_prefix(&metadata.workspace_root));
        let Some(Ok(folder)) = folder else { continue };
        if seen.insert(folder.as_std_path().to_path_buf()) {
            let built = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
            waiting.extend(built.map(|dependency| dependency.name.clone()));
        }
    }
    seen
}

fn prints(folders: &Folders) -> BTreeMap<&Path, Print> {
    let root = workspace::root();
    folders.keys().map(|path| (path.as_path(), print(&root.join(path)))).collect()
}

fn print(path: &Path) -> Print {
    let Ok(about) = fs::metadata(path) else { return (0, None) };
    if !about.is_dir() {
        return (1, about.modified().ok());
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    // Tests do not end up in a binary; editors keep hidden files.
    let matters = |name: &str| !name.starts_with('.') && !name.ends_with('~') && name != "tests";
    let inside = entries.filter(|entry| entry.file_name().to_str().is_some_and(matters));
    inside.map(|entry| print(&entry.path())).fold((0, None), |sum, one| (sum.0 + one.0, sum.1.max(one.1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn a_folder_knows_the_services_built_from_it() {
        let folders = folders(&workspace::members().unwrap(), &catalogue::addresses(&[]));
        let of = |path: &str| folders[Path::new(path)].iter().copied().collect::<Vec<_>>();
        assert_eq!(of("domain/product"), ["product"]);
        assert_eq!(of("adapters/basket/http"), ["basket"]);
        assert_eq!(of("domain/kernel").len(), 6);
        assert_eq!(of("Cargo.lock").len(), 6);
        assert!(!folders.contains_key(Path::new("xtask")));
    }

    #[test]
    fn a_new_file_and_a_later_change_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lib.rs");
        fs::write(&file, "a").unwrap();
        let first = print(folder.path());
        fs::write(folder.path().join("other.rs"), "b").unwrap();
        let second = print(folder.path());
        assert_ne!(first, second);
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
        assert_ne!(second, print(folder.path()));
    }

    #[test]
    fn tests_and_hidden_files_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tests")).unwrap();
        fs::write(folder.path().join("tests/http.rs"), "").unwrap();
        fs::write(folder.path().join(".lib.rs.swp"), "").unwrap();
        assert_eq!(print(folder.path()), (0, None));
    }
}
