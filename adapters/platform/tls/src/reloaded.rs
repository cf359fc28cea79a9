//! A configuration that follows its files.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use slog::{Logger, error, info};
use tokio::{sync::watch, time::sleep};

use crate::TlsError;

/// Files that make a configuration.
pub trait Source: Send + Sync + 'static {
    /// What they make.
    type Config: Send + Sync + 'static;

    /// All of them.
    fn files(&self) -> Vec<&Path>;

    /// Reads them.
    fn load(&self) -> Result<Self::Config, TlsError>;
}

/// A configuration that is read again when its files change.
#[derive(Debug)]
pub struct Reloaded<S: Source> {
    source: S,
    current: RwLock<Arc<S::Config>>,
    seen: Mutex<Vec<Stamp>>,
}

/// What tells that a file has changed; `None` while it is away. A link is followed: Kubernetes changes whole folders.
type Stamp = Option<(SystemTime, u64)>;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

impl<S: Source> Reloaded<S> {
    /// Reads the files for the first time.
    pub fn load(source: S) -> Result<Arc<Self>, TlsError> {
        // Looked at before they are read: a change in between is found at the next look.
        let seen = Mutex::new(stamps(&source));
        let current = RwLock::new(Arc::new(source.load()?));
        Ok(Arc::new(Self { source, current, seen }))
    }

    /// The newest configuration that made sense.
    pub fn current(&self) -> Arc<S::Config> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files once: whether they have changed and made sense.
    ///
    /// Files that make no sense are not read again until they change; those that could not be read are, at each look.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        // Looked at before they are read: a change in between is found at the next look.
        let stamps = stamps(&self.source);
        if *self.seen() == stamps {
            return Ok(false);
        }
        let loaded = self.source.load();
        if !loaded.as_ref().is_err_and(TlsError::is_transient) {
            *self.seen() = stamps;
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded?);
        Ok(true)
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Stamp>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the files until `stop` turns true.
    pub async fn watch(self: Arc<Self>, logger: Logger, mut stop: watch::Receiver<bool>) {
        let mut told = None;
        loop {
            tokio::select! {
                // A sender that is gone has nothing to say any more either.
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep(INTERVAL) => self.look(&logger, &mut told),
            }
        }
    }

    /// `told` is what was wrong at the last look: as long as it is the same, it is told once.
    fn look(&self, logger: &Logger, told: &mut Option<String>) {
        let wrong = match self.refresh() {
            Ok(false) => return,
            Ok(true) => {
                info!(logger, "certificates read again");
                None
            }
            Err(refused) => Some(refused.told()),
        };
        if let Some(wrong) = wrong.as_ref().filter(|wrong| told.as_ref() != Some(*wrong)) {
            error!(logger, "new certificates refused, the old ones stay"; "error" => wrong);
        }
        *told = wrong;
    }
}

fn stamps(source: &impl Source) -> Vec<Stamp> {
    let stamp = |path: &Path| {
        let file = fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len()))
    };
    source.files().into_iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use platform_telemetry::silent;
    use platform_testkit::{PATIENCE, data_dir, eventually};
    use rcgen::CertifiedKey;

    use super::*;
    use crate::{ClientFiles, Identity, ServerFiles};

    /// Writes a fresh pair, under the names of `files`.
    fn write(files: &ServerFiles) {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
        fs::write(&files.certificate, cert.pem()).unwrap();
        fs::write(&files.key, signing_key.serialize_pem()).unwrap();
    }

    fn files(folder: &Path) -> ServerFiles {
        let files = ServerFiles {
            certificate: folder.join("cert.pem"),
            key: folder.join("key.pem"),
            client_authorities: None,
        };
        write(&files);
        files
    }

    #[test]
    fn changed_files_are_read_again() {
        let folder = data_dir().unwrap();
        let files = files(folder.path());
        let tls = Reloaded::load(files.clone()).unwrap();
        let first = tls.current();
        assert!(matches!(tls.refresh(), Ok(false)));
        assert!(Arc::ptr_eq(&first, &tls.current()));
        write(&files);
        assert!(matches!(tls.refresh(), Ok(true)));
        assert!(!Arc::ptr_eq(&first, &tls.current()));
    }

    #[test]
    fn files_that_make_no_sense_are_refused_once_and_the_old_ones_stay() {
        let folder = data_dir().unwrap();
        let files = files(folder.path());
        let tls = Reloaded::load(files.clone()).unwrap();
        let first = tls.current();
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for bad in [other.as_str(), "no key at all", ""] {
            fs::write(&files.key, bad).unwrap();
            assert!(tls.refresh().is_err(), "{bad}");
            assert!(matches!(tls.refresh(), Ok(false)), "said once");
            assert!(Arc::ptr_eq(&first, &tls.current()));
        }
        fs::remove_file(&files.certificate).unwrap();
        assert!(tls.refresh().is_err());
        write(&files);
        assert!(matches!(tls.refresh(), Ok(true)));
    }

    /// Fails to read its file as often as it is told to.
    struct Flaky {
        files: ServerFiles,
        failures: AtomicUsize,
    }

    impl Source for Flaky {
        type Config = rustls::ServerConfig;

        fn files(&self) -> Vec<&Path> {
            self.files.files()
        }

        fn load(&self) -> Result<Self::Config, TlsError> {
            let fails = self.failures.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
            if fails {
                let source = rustls::pki_types::pem::Error::Io(std::io::ErrorKind::Interrupted.into());
                return Err(TlsError::Read { path: self.files.key.clone(), source });
            }
            self.files.load()
        }
    }

    #[test]
    fn files_that_could_not_be_read_are_read_again_as_they_are() {
        let folder = data_dir().unwrap();
        let files = files(folder.path());
        let tls = Reloaded::load(Flaky { files: files.clone(), failures: AtomicUsize::new(0) }).unwrap();
        write(&files);
        tls.source.failures.store(2, SeqCst);
        assert!(tls.refresh().is_err() && tls.refresh().is_err());
        assert!(matches!(tls.refresh(), Ok(true)));
        assert!(matches!(tls.refresh(), Ok(false)));
    }

    #[test]
    fn clients_that_come_back_have_tickets() {
        let folder = data_dir().unwrap();
        assert!(files(folder.path()).load().unwrap().ticketer.enabled());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let folder = data_dir().unwrap();
        let files = files(folder.path());
        let error = |files: ServerFiles| files.load().unwrap_err().to_string();
        let missing = ServerFiles { certificate: folder.path().join("away.pem"), ..files.clone() };
        assert!(error(missing).contains("away.pem"));
        let no_certificate = ServerFiles { certificate: files.key.clone(), ..files.clone() };
        assert!(error(no_certificate).contains("no certificate"));
        let clients = ServerFiles { client_authorities: Some(files.key.clone()), ..files.clone() };
        assert!(error(clients).contains("key.pem"));
        let identity = Some(Identity { certificate: files.certificate.clone(), key: files.certificate });
        assert!(ClientFiles { authorities: None, identity }.load().is_err());
    }

    #[tokio::test]
    async fn a_watch_follows_the_files_and_ends_with_its_signal() {
        let folder = data_dir().unwrap();
        let files = files(folder.path());
        let tls = Reloaded::load(files.clone()).unwrap();
        let first = tls.current();
        let (stop, stopped) = watch::channel(false);
        let watching = tokio::spawn(Arc::clone(&tls).watch(silent(), stopped));
        write(&files);
        eventually(PATIENCE, async || (!Arc::ptr_eq(&first, &tls.current())).then_some(())).await.unwrap();
        stop.send_replace(true);
        watching.await.unwrap();
    }
}
