//! The file in which the gateway keeps what operators have changed.
//!
//! A change is written to a file beside it, which is forced to disk and then takes its place, and so is the folder:
//! whenever the machine stops, the file is the old or the new one, whole. What is in it is `document`; a change to that
//! which older gateways cannot read is another `FORMAT`. One process at a time: a lock beside the file says whose it
//! is.

mod document;
mod error;

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use document::Document;
pub use error::StateFileError;
use gateway_application::StateStore;
use gateway_domain::fleet::Overrides;
use kernel_application::StoreError;
use slog::{Logger, error};
use tokio::task::spawn_blocking;

/// The file, held by this process.
#[derive(Debug)]
pub struct StateFile {
    path: Arc<Path>,
    /// Forces a folder to disk.
    sync: fn(&File) -> io::Result<()>,
    logger: Logger,
    /// Its lock ends with it.
    _lock: File,
}

impl StateFile {
    /// Takes the file, which need not be there yet; its folder must. What goes wrong and changes nothing goes to `logger`.
    pub fn open(path: &Path, logger: Logger) -> Result<Self, StateFileError> {
        let lock_path = beside(path, "lock");
        let unusable = |source| StateFileError::Folder { path: path.to_owned(), source };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), sync: File::sync_all, logger, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StateFileError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

#[async_trait]
impl StateStore for StateFile {
    async fn load(&self) -> Result<Option<Overrides>, StoreError> {
        let path = Arc::clone(&self.path);
        in_background("load", move || read(&path)).await
    }

    async fn save(&self, overrides: &Overrides) -> Result<(), StoreError> {
        let (path, document) = (Arc::clone(&self.path), Document::from(overrides));
        let (sync, logger) = (self.sync, self.logger.clone());
        in_background("save", move || {
            let failed = |source| StateFileError::Write { path: path.to_path_buf(), source };
            // Opened before anything is replaced: afterwards there is no way back.
            let folder = File::open(folder(&path)).map_err(failed)?;
            replace(&path, &document).map_err(failed)?;
            // The file is the new one, so the change is made; only a crash of the machine may bring the old one back.
            if let Err(failure) = sync(&folder) {
                error!(logger, "state is written, but perhaps not on disk yet";
                    "file" => %path.display(), "error" => %failure);
            }
            Ok(())
        })
        .await
    }
}

async fn in_background<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T, StateFileError> + Send + 'static,
) -> Result<T, StoreError> {
    const STORE: &str = "gateway state";
    let failed = |source| StoreError::Failed { store: STORE, operation, source };
    let done = spawn_blocking(work).await.map_err(|error| failed(error.into()))?;
    done.map_err(|error| failed(error.into()))
}

fn read(path: &Path) -> Result<Option<Overrides>, StateFileError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateFileError::Read { path: path.to_owned(), source }),
    };
    let understood = Document::parse(&text).and_then(Overrides::try_from);
    understood.map(Some).map_err(|damage| StateFileError::Damaged { path: path.to_owned(), damage })
}

fn replace(path: &Path, document: &Document) -> io::Result<()> {
    let new = beside(path, "new");
    let mut file = File::create(&new)?;
    file.write_all(&document.text()?)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// `state.json` becomes `state.json.new`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ending);
    name.into()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests;
