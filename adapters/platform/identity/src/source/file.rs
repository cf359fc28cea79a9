//! Keys in a file that somebody else replaces.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use super::{MAX_BYTES, Source, SourceError};
use crate::key_set::KeySet;

/// Which file it is, when it was changed last, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    modified: SystemTime,
    len: u64,
}

impl Stamp {
    /// Follows links: where secrets are mounted, a link is turned over to the new file.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { inode: metadata.ino(), modified: metadata.modified()?, len: metadata.len() })
    }
}

/// A file that is read when it has changed.
pub(crate) struct FileSource {
    path: PathBuf,
    read: Option<Stamp>,
}

impl FileSource {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, read: None }
    }
}

/// What the file at `path` holds, unless it is the one that was `read`.
fn look(path: &Path, read: Option<Stamp>) -> Result<Option<(Stamp, KeySet)>, SourceError> {
    let at = || path.display().to_string();
    let failed = |source| SourceError::Read { path: at(), source };
    let stamp = Stamp::of(path).map_err(failed)?;
    if read == Some(stamp) {
        return Ok(None);
    }
    let mut text = Vec::new();
    // One byte more tells a file that is too long, whatever length it claims to have.
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut text))
        .map_err(failed)?;
    if text.len() > MAX_BYTES {
        return Err(SourceError::TooLong { at: at() });
    }
    let keys = KeySet::parse(&text).map_err(|source| SourceError::Refused { at: at(), source })?;
    Ok(Some((stamp, keys)))
}

#[async_trait]
impl Source for FileSource {
    /// Looks aside of the runtime: a file system may be far away, and hang.
    async fn load(&mut self) -> Result<Option<KeySet>, SourceError> {
        let (path, read) = (self.path.clone(), self.read);
        let Some((stamp, keys)) = spawn_blocking(move || look(&path, read)).await?? else { return Ok(None) };
        // Only what was taken over is not read again: a file caught half written is whole the next time.
        self.read = Some(stamp);
        Ok(Some(keys))
    }
}

#[cfg(test)]
mod tests {
    use platform_testkit::data_dir;

    use super::*;
    use crate::testing::TestIssuer;

    #[tokio::test]
    async fn is_read_when_it_changes() {
        let (folder, issuer, another) = (data_dir().unwrap(), TestIssuer::new(), TestIssuer::new());
        let path = folder.path().join("jwks.json");
        let mut source = FileSource::new(path.clone());
        assert!(matches!(source.load().await, Err(SourceError::Read { .. })), "it need not be there yet");
        fs::write(&path, issuer.jwks()).unwrap();
        let first = source.load().await.unwrap().unwrap();
        assert!(source.load().await.unwrap().is_none());
        fs::write(&path, another.jwks() + "\n").unwrap();
        let second = source.load().await.unwrap().unwrap();
        assert_ne!(first.names(), second.names());
    }

    #[tokio::test]
    async fn a_bad_file_is_refused_until_it_is_mended() {
        let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
        let path = folder.path().join("jwks.json");
        let mut source = FileSource::new(path.clone());
        fs::write(&path, &issuer.jwks()[..40]).unwrap();
        for _ in 0..2 {
            assert!(matches!(source.load().await, Err(SourceError::Refused { .. })));
        }
        fs::write(&path, issuer.jwks()).unwrap();
        assert!(source.load().await.unwrap().is_some());
        fs::write(&path, " ".repeat(MAX_BYTES + 1)).unwrap();
        assert!(matches!(source.load().await, Err(SourceError::TooLong { .. })));
    }

    #[tokio::test]
    async fn a_file_that_never_ends_is_left() {
        // It says that it has no bytes.
        let mut source = FileSource::new("/dev/zero".into());
        assert!(matches!(source.load().await, Err(SourceError::TooLong { .. })));
    }
}
