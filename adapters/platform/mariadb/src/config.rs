//! The environment of a service that keeps its state in MariaDB.

use std::{path::PathBuf, time::Duration};

use platform_runtime::{Secret, Settings, StorageHome};

/// Where MariaDB is and how it is used. Checked at every start, used where the store is a server.
#[derive(Clone, Debug)]
pub struct MariaDbConfig {
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
    /// A PEM file with the certificates of those who may vouch for the server; the well-known public authorities where
    /// absent.
    pub ssl_root_cert: Option<PathBuf>,
    /// The most connections at a time.
    pub pool_size: usize,
    /// How long an operation waits for a connection that others use.
    pub acquire_timeout: Duration,
    /// How long one operation may take in all; the server ends a statement after the same time.
    pub statement_timeout: Duration,
    /// How long one statement may wait for a lock; the server counts whole seconds.
    pub lock_timeout: Duration,
    /// How long it may take to connect.
    pub connect_timeout: Duration,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// In the clear.
    Disable,
    /// Encrypted, whoever the server is.
    Require,
    /// Encrypted, by the server we asked for.
    VerifyFull,
}

/// `true` and `false` are the usual words; the others are those of the services on PostgreSQL.
const MODES: [(&str, SslMode); 5] = [
    ("false", SslMode::Disable),
    ("true", SslMode::VerifyFull),
    ("disable", SslMode::Disable),
    ("require", SslMode::Require),
    ("verify-full", SslMode::VerifyFull),
];

impl MariaDbConfig {
    /// Declares the variables; `default_user` and `default_name` are the service's own user and database.
    pub fn declare(
        settings: &mut Settings,
        storage: StorageHome,
        default_user: &str,
        default_name: &str,
    ) -> Self {
        let used = storage == StorageHome::Server;
        let ssl_mode = settings.choice("DB_SSL_MODE", "false", &MODES, "how the connection is protected");
        Self {
            host: settings.text("DB_HOST", "localhost", "host of MariaDB, for STORAGE=server"),
            port: settings.number_in("DB_PORT", 3306, 1..=u16::MAX, "port of MariaDB"),
            user: settings.text("DB_USER", default_user, "user of MariaDB"),
            password: settings.secret_if(used, "DB_PASSWORD", "password", "password of the user"),
            name: settings.text("DB_NAME", default_name, "database of the service"),
            ssl_mode: ssl_mode.unwrap_or(SslMode::VerifyFull),
            ssl_root_cert: settings
                .optional("DB_SSL_ROOT_CERT", "PEM file of the authority that signed the server")
                .map(PathBuf::from),
            pool_size: settings.number_in("DB_POOL_SIZE", 16, 1..=1000, "connections at a time"),
            acquire_timeout: pause(settings, "DB_ACQUIRE_TIMEOUT", "3s", "wait for a free connection"),
            statement_timeout: pause(settings, "DB_STATEMENT_TIMEOUT", "10s", "time of one operation"),
            lock_timeout: pause(settings, "DB_LOCK_TIMEOUT", "5s", "wait of one statement for a lock"),
            connect_timeout: pause(settings, "DB_CONNECT_TIMEOUT", "3s", "time to connect"),
        }
    }
}

/// The server takes 0 for "no limit" in one place and for "do not wait" in another.
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

    fn read(storage: StorageHome, pairs: &[(&str, &str)]) -> Result<MariaDbConfig, Vec<String>> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let config = MariaDbConfig::declare(&mut settings, storage, "shop", "shop_service");
        settings.finish().map(|()| config).map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = read(StorageHome::Server, &[]).unwrap();
        assert_eq!((config.host.as_str(), config.port, config.user.as_str()), ("localhost", 3306, "shop"));
        assert_eq!((config.password.expose(), config.name.as_str()), ("password", "shop_service"));
        assert_eq!((config.ssl_mode, config.ssl_root_cert, config.pool_size), (SslMode::Disable, None, 16));
        let limits = [config.acquire_timeout, config.statement_timeout, config.lock_timeout];
        assert_eq!(limits.map(|limit| limit.as_secs()), [3, 10, 5]);
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
    fn protection_has_two_vocabularies() {
        for (word, mode) in MODES {
            assert_eq!(read(StorageHome::Server, &[("DB_SSL_MODE", word)]).unwrap().ssl_mode, mode);
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
