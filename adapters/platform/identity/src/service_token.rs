//! What a service shows to those it calls.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{bearer::MAX_LENGTH, source::Stamp};

/// The service's own token, in a file that somebody else keeps fresh. Cheap to clone; all clones share what they read.
#[derive(Clone)]
pub struct ServiceToken(Arc<Shared>);

struct Shared {
    path: PathBuf,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    looked: Option<Instant>,
    stamp: Option<Stamp>,
    bearer: Option<String>,
}

/// How long a look at the file is good for: calls come often, tokens change rarely.
const FRESH: Duration = Duration::from_secs(1);

impl ServiceToken {
    /// The token in the file at `path`. It need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Shared { path: path.into(), read: Mutex::default() }))
    }

    /// The value for the `authorization` header of a call, `Bearer …`; `None` while there is no file, or no token in
    /// it. The file is looked at once a second at most and read where it has changed. While it cannot be read, the
    /// last token is still shown: it may be good for longer than the fault lasts.
    pub fn bearer(&self) -> Option<String> {
        self.at(Instant::now())
    }

    fn at(&self, now: Instant) -> Option<String> {
        let Shared { path, read } = &*self.0;
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= FRESH) {
            read.looked = Some(now);
            read.look(path);
        }
        read.bearer.clone()
    }
}

impl Read {
    fn look(&mut self, path: &Path) {
        let Ok(stamp) = Stamp::of(path) else { return };
        if self.stamp != Some(stamp)
            && let Ok(token) = token(path)
        {
            self.bearer = Some(format!("Bearer {token}"));
            self.stamp = Some(stamp);
        }
    }
}

fn token(path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(path)?;
    let token = text.trim();
    let legal =
        !token.is_empty() && token.len() <= MAX_LENGTH && token.bytes().all(|byte| byte.is_ascii_graphic());
    if legal { Ok(token.to_owned()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

#[cfg(test)]
mod tests {
    use platform_testkit::data_dir;

    use super::*;

    #[test]
    fn the_file_is_read_again_when_it_changes() {
        let folder = data_dir().unwrap();
        let path = folder.path().join("token");
        let (token, begun) = (ServiceToken::new(&path), Instant::now());
        let after = |seconds| token.at(begun + Duration::from_secs(seconds));
        assert_eq!(after(0), None, "it need not be there yet");
        fs::write(&path, "one\n").unwrap();
        assert_eq!(after(0), None, "nobody looks twice within a second");
        assert_eq!(after(1).as_deref(), Some("Bearer one"));
        fs::write(&path, "second").unwrap();
        assert_eq!(after(2).as_deref(), Some("Bearer second"));
    }

    #[test]
    fn what_is_no_token_replaces_none() {
        let folder = data_dir().unwrap();
        let path = folder.path().join("token");
        let (token, begun) = (ServiceToken::new(&path), Instant::now());
        let after = |seconds| token.at(begun + Duration::from_secs(seconds));
        fs::write(&path, "one").unwrap();
        assert_eq!(after(0).as_deref(), Some("Bearer one"));
        for (second, bad) in (1..).zip(["", "two words", "line\r\nbreak"]) {
            fs::write(&path, bad).unwrap();
            assert_eq!(after(second).as_deref(), Some("Bearer one"), "{bad:?}");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(after(9).as_deref(), Some("Bearer one"));
    }
}
