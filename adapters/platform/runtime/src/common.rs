//! The variables every service has.

use std::{path::PathBuf, time::Duration};

use kernel_domain::Currency;
use platform_telemetry::LogFormat;
use slog::Level;

use crate::Settings;

/// Where the service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine, or a test.
    Development,
    /// The rehearsal of production.
    Staging,
    /// The real thing.
    Production,
}

/// What every service is told.
#[derive(Clone, Debug)]
pub struct CommonConfig {
    /// Where the service runs.
    pub environment: Environment,
    /// The HTTP port; 0 takes a free one.
    pub port: u16,
    /// The least severe line logged.
    pub log_level: Level,
    /// How log lines look.
    pub log_format: LogFormat,
    /// How long a stop may take.
    pub shutdown_timeout: Duration,
    /// The shop's currency.
    pub currency: Currency,
    /// Whether the end of standard input stops the service.
    pub exit_with_parent: bool,
}

impl CommonConfig {
    /// Declares the variables; `port` is the service's own default.
    pub fn declare(settings: &mut Settings, port: u16) -> Self {
        let environments = [
            ("development", Environment::Development),
            ("staging", Environment::Staging),
            ("production", Environment::Production),
        ];
        let environment = settings.choice(
            "ENVIRONMENT",
            "development",
            &environments,
            "staging and production refuse default secrets",
        );
        Self {
            environment: environment.unwrap_or(Environment::Production),
            port: settings.number("PORT", port, "HTTP port; 0 takes a free one"),
            log_level: log_level(settings),
            log_format: log_format(settings),
            shutdown_timeout: settings.duration("SHUTDOWN_TIMEOUT", "30s", "how long a stop may take"),
            currency: currency(settings),
            exit_with_parent: settings.flag(
                "EXIT_WITH_PARENT",
                false,
                "stop when standard input ends, for tools that start services",
            ),
        }
    }
}

fn log_level(settings: &mut Settings) -> Level {
    let levels =
        [("debug", Level::Debug), ("info", Level::Info), ("warn", Level::Warning), ("error", Level::Error)];
    settings.choice("LOG_LEVEL", "info", &levels, "the least severe lines to log").unwrap_or(Level::Info)
}

fn log_format(settings: &mut Settings) -> LogFormat {
    let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
    settings.choice("LOG_FORMAT", "json", &formats, "JSON for machines, text for people").unwrap_or_default()
}

fn currency(settings: &mut Settings) -> Currency {
    let rule = "three capital letters (ISO 4217)";
    settings.parsed("SHOP_CURRENCY", "USD", rule, "the currency of all prices").unwrap_or(Currency::USD)
}

/// Where a service keeps its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageHome {
    /// A database server.
    Server,
    /// SQLite files under `DATA_DIR`.
    Embedded,
}

/// Where events live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventsHome {
    /// Kafka brokers.
    Kafka,
    /// The event log under `DATA_DIR`, shared by the services of one machine.
    Embedded,
}

/// The home for data of a service that stores or hears events. Nothing ever falls back from one home to the other.
#[derive(Clone, Debug)]
pub struct HomeConfig {
    /// Where state is kept.
    pub storage: StorageHome,
    /// Where events live.
    pub events: EventsHome,
    /// The folder of the embedded home; given where either is embedded.
    pub data_dir: Option<PathBuf>,
    /// The brokers of the Kafka home.
    pub kafka_brokers: Vec<String>,
}

const FOLDER: &str = "must be a folder: the embedded home keeps its files there";

impl HomeConfig {
    /// Declares the variables.
    pub fn declare(settings: &mut Settings) -> Self {
        let storages = [("server", StorageHome::Server), ("embedded", StorageHome::Embedded)];
        let storage =
            settings.choice("STORAGE", "server", &storages, "database server, or SQLite files in DATA_DIR");
        let events = [("kafka", EventsHome::Kafka), ("embedded", EventsHome::Embedded)];
        let events = settings.choice("EVENTS", "kafka", &events, "Kafka, or the event log in DATA_DIR");
        let data_dir =
            settings.optional("DATA_DIR", "folder of the embedded home, required there").map(PathBuf::from);
        let embedded = storage == Some(StorageHome::Embedded) || events == Some(EventsHome::Embedded);
        if embedded && data_dir.is_none() {
            settings.refuse("DATA_DIR", FOLDER);
        }
        Self {
            storage: storage.unwrap_or(StorageHome::Server),
            events: events.unwrap_or(EventsHome::Kafka),
            data_dir,
            kafka_brokers: settings.list("KAFKA_BROKERS", "localhost:9092", "brokers of the Kafka home"),
        }
    }

    /// The folder of the embedded home; empty where neither store nor events are embedded and nobody asks for it.
    pub fn folder(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_contract() {
        let mut settings = Settings::from_pairs([]);
        let common = CommonConfig::declare(&mut settings, 8080);
        assert_eq!((common.port, common.currency.as_str()), (8080, "USD"));
        assert_eq!(common.environment, Environment::Development);
        assert_eq!(common.shutdown_timeout, Duration::from_secs(30));
        assert_eq!(settings.finish(), Ok(()));
    }

    #[test]
    fn the_embedded_home_needs_a_folder() {
        let embedded = [("STORAGE", "embedded"), ("EVENTS", "embedded")];
        let mut settings = Settings::from_pairs(embedded);
        HomeConfig::declare(&mut settings);
        assert!(settings.finish().unwrap_err().to_string().contains("DATA_DIR (not set)"));

        let mut settings = Settings::from_pairs(embedded.into_iter().chain([("DATA_DIR", "/data")]));
        assert_eq!(HomeConfig::declare(&mut settings).folder(), PathBuf::from("/data"));
        assert_eq!(settings.finish(), Ok(()));
    }

    #[test]
    fn there_is_no_fallback() {
        let mut settings = Settings::from_pairs([]);
        let home = HomeConfig::declare(&mut settings);
        assert_eq!(
            (home.storage, home.events, home.data_dir),
            (StorageHome::Server, EventsHome::Kafka, None)
        );
        assert_eq!(settings.finish(), Ok(()), "servers need no folder");
        for half in [("STORAGE", "embedded"), ("EVENTS", "embedded")] {
            let mut settings = Settings::from_pairs([half]);
            HomeConfig::declare(&mut settings);
            assert!(settings.finish().unwrap_err().to_string().contains("DATA_DIR (not set)"), "{half:?}");
        }
    }

    #[test]
    fn unknown_homes_are_named_at_once() {
        let mut settings = Settings::from_pairs([("STORAGE", "sqlite"), ("EVENTS", "redis")]);
        HomeConfig::declare(&mut settings);
        let error = settings.finish().unwrap_err();
        for name in ["STORAGE", "EVENTS"] {
            assert!(error.problems().iter().any(|problem| problem.starts_with(name)), "{name}: {error}");
        }
    }
}
