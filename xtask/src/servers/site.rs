//! Where a server is set up: its folder, its account, and how careful it has to be with data.

use super::kind::Kind;
use super::process::User;
use super::tls::Certificates;
use crate::failure::{Context, Outcome};
use crate::shell;
use std::fs::{self, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) struct Site {
    /// The folder of the instance.
    pub(super) instance: PathBuf,
    /// Data survive a crash of the machine; otherwise the server is as fast as it can be.
    pub(super) durable: bool,
    pub(super) brokers: u16,
    pub(super) certificates: Certificates,
}

impl Site {
    /// An empty folder that the account can enter and nobody else.
    pub(super) fn folder(&self, kind: Kind, user: Option<User>) -> Outcome<PathBuf> {
        let usual = self.instance.join(kind.name());
        let folder = if user.is_none() || open_to_all(&self.instance) { usual } else { elsewhere(&usual) };
        if folder.exists() {
            fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).context(|| format!("creating {}", folder.display()))?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))
            .context(|| format!("closing {}", folder.display()))?;
        own(&folder, user)?;
        Ok(folder)
    }

    /// A copy of the certificate and its key in one file, for a server that runs under that account.
    pub(super) fn keystore(&self, folder: &Path, user: Option<User>) -> Outcome<PathBuf> {
        let read = |path: &Path| fs::read_to_string(path).context(|| format!("reading {}", path.display()));
        let text = read(&self.certificates.key)? + &read(&self.certificates.certificate)?;
        let path = folder.join("server.pem");
        private(&path, &text, user)?;
        Ok(path)
    }
}

/// A file that only that account may read.
pub(super) fn private(path: &Path, text: &str, user: Option<User>) -> Outcome {
    super::secret::write(path, text)?;
    own(path, user)
}

/// Runs a program that sets a server up, under the account of the server.
pub(super) fn set_up(command: &mut Command, user: Option<User>) -> Outcome<String> {
    if let Some(user) = user {
        user.runs(command);
    }
    shell::output(command)
}

/// The first word of what the program prints that begins with a digit, as in `postgres (PostgreSQL) 15.4`.
pub(super) fn version(program: &Path) -> Option<String> {
    let text = shell::output(Command::new(program).arg("--version")).ok()?;
    number_in(&text)
}

fn number_in(text: &str) -> Option<String> {
    let words = text.split([' ', '=', '-', '"', '\n']);
    words
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .map(str::to_owned)
}

/// Whether `version` is that one or later.
pub(super) fn at_least(version: &str, wanted: [u32; 2]) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    [numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()] >= wanted
}

fn own(path: &Path, user: Option<User>) -> Outcome {
    user.map_or(Ok(()), |user| user.owns(path))
}

/// Whether every account can reach what is in the folder; below `/root` it cannot.
fn open_to_all(folder: &Path) -> bool {
    let passable =
        |folder: &Path| fs::metadata(folder).is_ok_and(|about| about.permissions().mode() & 0o001 != 0);
    folder.ancestors().all(passable)
}

fn elsewhere(usual: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    usual.hash(&mut hasher);
    std::env::temp_dir().join(format!("xtask-servers-{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_and_compared() {
        let found = |text: &str| number_in(text).unwrap();
        assert_eq!(found("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"), "15.20");
        assert_eq!(found("mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu"), "10.11.19");
        assert_eq!(found("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0"), "7.0.15");
        assert!(at_least("15.20", [15, 0]) && at_least("10.11.19", [10, 11]) && at_least("11.4", [10, 11]));
        assert!(!at_least("14.9", [15, 0]) && !at_least("10.6.1", [10, 11]) && !at_least("", [1, 0]));
    }

    #[test]
    fn a_closed_folder_on_the_way_is_seen() {
        let parent = tempfile::tempdir().unwrap();
        let inner = parent.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(parent.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(!open_to_all(&inner));
        assert_eq!(elsewhere(&inner), elsewhere(&inner));
        assert_ne!(elsewhere(&inner), elsewhere(parent.path()));
    }
}
