//! What a service shows to those it calls.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use kernel_application::HealthCheck;
use platform_telemetry::{chain, component};
use slog::{Logger, info, warn};

use crate::{bearer::MAX_LENGTH, source::Stamp};

/// The service's own token, in a file that somebody else keeps fresh. Cheap to clone; all clones share what they read.
#[derive(Clone)]
pub struct ServiceToken(Arc<Shared>);

struct Shared {
    path: PathBuf,
    logger: Logger,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    looked: Option<Instant>,
    stamp: Option<Stamp>,
    bearer: Option<String>,
    /// What was wrong the last time, so that it is logged once.
    trouble: Option<String>,
}

/// Why there is no token in the file.
#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("reading {path}")]
    Read { path: String, source: io::Error },
    #[error("{path} holds no token")]
    NoToken { path: String },
}

/// How long a look at the file is good for: calls come often, tokens change rarely.
const FRESH: Duration = Duration::from_secs(1);

impl ServiceToken {
    /// The token in the file at `path`. It need not be there yet; what is wrong with it is logged.
    pub fn new(path: impl Into<PathBuf>, logger: &Logger) -> Self {
        let logger = component(logger, "identity");
        Self(Arc::new(Shared { path: path.into(), logger, read: Mutex::default() }))
    }

    /// The value for the `authorization` header of a call, `Bearer …`; `None` while there is no file, or no token in
    /// it. The file is looked at once a second at most and read where it has changed. While it cannot be read, the
    /// last token is still shown: it may be good for longer than the fault lasts.
    pub fn bearer(&self) -> Option<String> {
        self.0.at(Instant::now()).0
    }

    /// Whether there is a token to show, as `service-token`.
    pub fn health(&self) -> Arc<dyn HealthCheck> {
        Arc::clone(&self.0) as Arc<dyn HealthCheck>
    }
}

impl Shared {
    /// What there is to show, and what is wrong with the file.
    fn at(&self, now: Instant) -> (Option<String>, Option<String>) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= FRESH) {
            read.looked = Some(now);
            let trouble = read.look(&self.path).err().map(|error| chain(&error));
            read.report(trouble, &self.logger);
        }
        (read.bearer.clone(), read.trouble.clone())
    }
}

#[async_trait]
impl HealthCheck for Shared {
    fn name(&self) -> &'static str {
        "service-token"
    }

    /// Well for as long as there is a token: the last one may be good for longer than the fault of the file lasts, and
    /// if it is not, those who are shown it say so.
    async fn check(&self) -> Result<(), String> {
        match self.at(Instant::now()) {
            (Some(_), _) => Ok(()),
            (None, trouble) => {
                let trouble = trouble.unwrap_or_default();
                Err(format!("no token to show to other services; see SERVICE_TOKEN_FILE: {trouble}"))
            }
        }
    }
}

impl Read {
    fn look(&mut self, path: &Path) -> Result<(), TokenError> {
        let failed = |source| TokenError::Read { path: path.display().to_string(), source };
        let stamp = Stamp::of(path).map_err(failed)?;
        if self.stamp != Some(stamp) {
            let text = text(path).map_err(failed)?;
            let token =
                token(&text).ok_or_else(|| TokenError::NoToken { path: path.display().to_string() })?;
            self.bearer = Some(format!("Bearer {token}"));
            self.stamp = Some(stamp);
        }
        Ok(())
    }

    fn report(&mut self, trouble: Option<String>, logger: &Logger) {
        match &trouble {
            Some(trouble) if self.trouble.as_ref() != Some(trouble) => {
                let left = if self.bearer.is_some() { "the last one stays" } else { "there is none" };
                warn!(logger, "the service's own token cannot be had"; "error" => trouble, "token" => left);
            }
            None if self.trouble.is_some() => info!(logger, "the service's own token is back"),
            _ => {}
        }
        self.trouble = trouble;
    }
}

/// The longest file that is worth a look: a token, and some blank lines.
const MAX_FILE: u64 = 2 * MAX_LENGTH as u64;

fn text(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut text)?;
    Ok(text)
}

fn token(text: &[u8]) -> Option<&str> {
    let token = str::from_utf8(text).ok()?.trim();
    let legal =
        !token.is_empty() && token.len() <= MAX_LENGTH && token.bytes().all(|byte| byte.is_ascii_graphic());
    legal.then_some(token)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use platform_telemetry::silent;
    use platform_testkit::data_dir;

    use super::*;
    use crate::tests::Lines;

    fn token(path: &Path) -> ServiceToken {
        ServiceToken::new(path, &silent())
    }

    #[test]
    fn the_file_is_read_again_when_it_changes() {
        let folder = data_dir().unwrap();
        let path = folder.path().join("token");
        let (token, begun) = (token(&path), Instant::now());
        let after = |seconds| token.0.at(begun + Duration::from_secs(seconds)).0;
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
        let (token, begun) = (token(&path), Instant::now());
        let after = |seconds| token.0.at(begun + Duration::from_secs(seconds)).0;
        fs::write(&path, "one").unwrap();
        assert_eq!(after(0).as_deref(), Some("Bearer one"));
        let endless = "a".repeat(MAX_LENGTH + 1);
        for (second, bad) in (1..).zip(["", "two words", "line\r\nbreak", endless.as_str()]) {
            fs::write(&path, bad).unwrap();
            assert_eq!(after(second).as_deref(), Some("Bearer one"), "{bad:?}");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(after(9).as_deref(), Some("Bearer one"));
    }

    #[test]
    fn what_is_wrong_with_the_file_is_logged_once() {
        let folder = data_dir().unwrap();
        let path = folder.path().join("token");
        let lines = Lines::of(|logger| {
            let (token, begun) = (ServiceToken::new(&path, logger), Instant::now());
            let after = |seconds| token.0.at(begun + Duration::from_secs(seconds)).0;
            for second in 0..3 {
                assert_eq!(after(second), None);
            }
            fs::write(&path, "two words").unwrap();
            for second in 3..6 {
                assert_eq!(after(second), None);
            }
            fs::write(&path, "one").unwrap();
            for second in 6..9 {
                assert!(after(second).is_some());
            }
        });
        let told: Vec<_> = lines.iter().map(|line| line["msg"].as_str().unwrap()).collect();
        let away = "the service's own token cannot be had";
        assert_eq!(told, [away, away, "the service's own token is back"]);
        let [absent, bad] = [0, 1].map(|line| lines[line]["error"].as_str().unwrap());
        assert!(absent.contains("No such file"), "{absent}");
        assert_eq!(bad, format!("{} holds no token", path.display()));
    }

    #[tokio::test]
    async fn a_service_without_a_token_is_not_well() {
        let folder = data_dir().unwrap();
        let path = folder.path().join("token");
        let health = token(&path).health();
        assert_eq!(health.name(), "service-token");
        let problem = health.check().await.unwrap_err();
        assert!(problem.contains("SERVICE_TOKEN_FILE") && problem.contains("No such file"), "{problem}");
        fs::write(&path, "one").unwrap();
        assert_eq!(token(&path).health().check().await, Ok(()));
    }
}
