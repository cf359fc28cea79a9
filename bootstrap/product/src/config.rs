//! The environment of the product service.

use std::path::PathBuf;

use platform_runtime::{CommonConfig, Configuration, HomeConfig, Secret, Settings, StorageHome};

/// What the service is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub common: CommonConfig,
    /// The folder of the embedded home.
    pub data_dir: PathBuf,
    /// The gRPC port; 0 takes a free one.
    pub grpc_port: u16,
    /// The database of the server home.
    pub db: PostgresConfig,
}

/// Where PostgreSQL is. Checked at every start, used where the store is a server.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
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

impl Configuration for Config {
    fn declare(settings: &mut Settings) -> Self {
        let common = CommonConfig::declare(settings, 8080);
        let home = HomeConfig::declare(settings);
        Self {
            common,
            data_dir: home.embedded_only(settings),
            grpc_port: settings.number("GRPC_PORT", 50050, "gRPC port; 0 takes a free one"),
            db: PostgresConfig::declare(settings, home.storage),
        }
    }

    fn common(&self) -> &CommonConfig {
        &self.common
    }
}

impl PostgresConfig {
    fn declare(settings: &mut Settings, storage: StorageHome) -> Self {
        Self {
            host: settings.text("DB_HOST", "localhost", "host of PostgreSQL, for STORAGE=server"),
            port: settings.number_in("DB_PORT", 5432, 1..=u16::MAX, "port of PostgreSQL"),
            user: settings.text("DB_USER", "postgres", "user of PostgreSQL"),
            password: settings.secret_if(
                storage == StorageHome::Server,
                "DB_PASSWORD",
                "password",
                "password of the user",
            ),
            name: settings.text("DB_NAME", "product_service", "database of the service"),
            ssl_mode: ssl_mode(settings),
        }
    }
}

fn ssl_mode(settings: &mut Settings) -> SslMode {
    let modes = [
        ("disable", SslMode::Disable),
        ("require", SslMode::Require),
        ("verify-ca", SslMode::VerifyCa),
        ("verify-full", SslMode::VerifyFull),
    ];
    let mode =
        settings.choice("DB_SSL_MODE", "disable", &modes, "how the connection to PostgreSQL is protected");
    mode.unwrap_or(SslMode::VerifyFull)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let home = [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", "/data")];
        let mut settings = Settings::from_pairs(home.into_iter().chain(pairs.iter().copied()));
        let config = Config::declare(&mut settings);
        settings.finish().map(|()| config).map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = read(&[]).unwrap();
        assert_eq!((config.common.port, config.grpc_port), (8080, 50050));
        let PostgresConfig { host, port, user, password, name, ssl_mode } = config.db;
        assert_eq!((host.as_str(), port, user.as_str()), ("localhost", 5432, "postgres"));
        assert_eq!(
            (password.expose(), name.as_str(), ssl_mode),
            ("password", "product_service", SslMode::Disable)
        );
    }

    #[test]
    fn every_wrong_value_is_named() {
        let wrong = [
            ("PORT", "http"),
            ("GRPC_PORT", "-1"),
            ("DB_PORT", "0"),
            ("DB_SSL_MODE", "maybe"),
            ("SHOP_CURRENCY", "dollars"),
            ("LOG_LEVEL", "loud"),
        ];
        let problems = read(&wrong).unwrap_err();
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
        for (name, _) in wrong {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
    }

    #[test]
    fn the_default_password_stays_at_home() {
        let production = ("ENVIRONMENT", "production");
        assert!(read(&[production]).is_ok(), "no server, no password");
        let problems = read(&[production, ("STORAGE", "server")]).unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with("DB_PASSWORD")), "{problems:?}");
    }
}
