//! The environment of a service that keeps its state in PostgreSQL.

use std::{path::PathBuf, time::Duration};

use platform_runtime::{Secret, Settings, StorageHome};

/// Where PostgreSQL is and how it is used. Checked at every start, used where the store is a server.
#[derive(Clone, Debug)]
pub struct PgConfig {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// The database.
    pub name: String,
    /// Whether the connection is encrypted, and how sure it is of the other side.
    pub ssl_mode: SslMode,
    /// A PEM file with the certificates of those who may vouch for the server.
    pub ssl_root_cert: Option<PathBuf>,
    /// The most connections at a time.
    pub pool_size: usize,
    /// How long an operation waits for a connection that others use.
    pub acquire_timeout: Duration,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// How long one statement may wait for a lock.
    pub lock_timeout: Duration,
    /// How long it may take to connect.
    pub connect_timeout: Duration,
}

/// PostgreSQL's own names for how a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// In the clear.
    Disable,
    /// Encrypted.
    Require,
    /// Encrypted, by a server whose certificate we trust.
    VerifyCa,
    /// Encrypted, by the server we asked for.
    VerifyFull,
}

const MODES: [(&str, SslMode); 4] = [
    ("disable", SslMode::Disable),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

impl PgConfig {
    /// Declares the variables; `default_name` is the service's own database.
    pub fn declare(settings: &mut Settings, storage: StorageHome, default_name: &str) -> Self {
        let used = storage == StorageHome::Server;
        let (ssl_mode, ssl_root_cert) = protection(settings, used);
        Self {
            host: settings.text("DB_HOST", "localhost", "host of PostgreSQL, for STORAGE=server"),
            port: settings.number_in("DB_PORT", 5432, 1..=u16::MAX, "port of PostgreSQL"),
            user: settings.text("DB_USER", "postgres", "user of PostgreSQL"),
            password: settings.secret_if(used, "DB_PASSWORD", "password", "password of the user"),
            name: settings.text("DB_NAME", default_name, "database of the service"),
            ssl_mode,
            ssl_root_cert,
            pool_size: settings.number_in("DB_POOL_SIZE", 16, 1..=1000, "connections at a time"),
            acquire_timeout: pause(settings, "DB_ACQUIRE_TIMEOUT", "3s", "wait for a free connection"),
            statement_timeout: pause(settings, "DB_STATEMENT_TIMEOUT", "10s", "time of one statement"),
            lock_timeout: pause(settings, "DB_LOCK_TIMEOUT", "5s", "wait of one statement for a lock"),
            connect_timeout: pause(settings, "DB_CONNECT_TIMEOUT", "3s", "time to connect"),
        }
    }
}

fn protection(settings: &mut Settings, used: bool) -> (SslMode, Option<PathBuf>) {
    let mode = settings.choice("DB_SSL_MODE", "disable", &MODES, "how the connection is protected");
    let mode = mode.unwrap_or(SslMode::VerifyFull);
    let roots = settings.optional("DB_SSL_ROOT_CERT", "PEM file of the authority that signed the server");
    if used && roots.is_none() && matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull) {
        settings.refuse("DB_SSL_ROOT_CERT", "must be a PEM file where DB_SSL_MODE verifies the server");
    }
    (mode, roots.map(PathBuf::from))
}

/// PostgreSQL counts whole milliseconds in 31 bits and takes 0 for "no limit".
fn pause(settings: &mut Settings, name: &'static str, default: &str, description: &'static str) -> Duration {
    let limit = settings.duration(name, default, description);
    if limit.is_zero() || limit > Duration::from_hours(24) {
        settings.refuse(name, "must be 1ms to 24h");
    }
    limit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(storage: StorageHome, pairs: &[(&str, &str)]) -> Result<PgConfig, Vec<String>> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let config = PgConfig::declare(&mut settings, storage, "shop");
        settings.finish().map(|()| config).map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = read(StorageHome::Server, &[]).unwrap();
        assert_eq!(
            (config.host.as_str(), config.port, config.user.as_str()),
            ("localhost", 5432, "postgres")
        );
        assert_eq!((config.password.expose(), config.name.as_str()), ("password", "shop"));
        assert_eq!((config.ssl_mode, config.ssl_root_cert, config.pool_size), (SslMode::Disable, None, 16));
        let seconds = [config.acquire_timeout, config.statement_timeout, config.lock_timeout];
        assert_eq!(seconds.map(|limit| limit.as_secs()), [3, 10, 5]);
    }

    #[test]
    fn every_wrong_value_is_named() {
        let wrong = [
            ("DB_PORT", "0"),
            ("DB_SSL_MODE", "maybe"),
            ("DB_POOL_SIZE", "0"),
            ("DB_ACQUIRE_TIMEOUT", "0s"),
            ("DB_STATEMENT_TIMEOUT", "soon"),
            ("DB_LOCK_TIMEOUT", "25h"),
            ("DB_CONNECT_TIMEOUT", "-1s"),
        ];
        let problems = read(StorageHome::Embedded, &wrong).unwrap_err();
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
        for (name, _) in wrong {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
    }

    #[test]
    fn a_server_is_verified_by_somebody() {
        for mode in ["verify-ca", "verify-full"] {
            let mode = ("DB_SSL_MODE", mode);
            let problems = read(StorageHome::Server, &[mode]).unwrap_err();
            assert!(
                problems[0].starts_with("DB_SSL_ROOT_CERT (not set): must be a PEM file"),
                "{problems:?}"
            );
            assert!(read(StorageHome::Server, &[mode, ("DB_SSL_ROOT_CERT", "/ca.pem")]).is_ok());
            assert!(read(StorageHome::Embedded, &[mode]).is_ok(), "no server, nothing to verify");
        }
    }

    #[test]
    fn the_default_password_stays_at_home() {
        let production = ("ENVIRONMENT", "production");
        assert!(read(StorageHome::Embedded, &[production]).is_ok(), "no server, no password");
        let problems = read(StorageHome::Server, &[production]).unwrap_err();
        assert!(problems[0].starts_with("DB_PASSWORD"), "{problems:?}");
    }
}
