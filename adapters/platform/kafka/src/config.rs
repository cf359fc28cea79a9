//! The variables of the Kafka home.

use std::{path::PathBuf, time::Duration};

use platform_runtime::{EventsHome, HomeConfig, Secret, Settings};

/// How to reach the brokers.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// `host:port` of brokers to begin with; they name the others.
    pub brokers: Vec<String>,
    /// What the brokers' logs call this service.
    pub client_id: String,
    /// Stands before every topic's name, so that several systems can share a cluster.
    pub topic_prefix: String,
    /// How the connection is protected.
    pub security: SecurityProtocol,
    /// Who we are, where the protocol asks.
    pub sasl: Option<Sasl>,
    /// The certificate authorities that brokers are checked against, a PEM file; given where the protocol has TLS.
    pub ca_cert: Option<PathBuf>,
    /// How long an append or a question may take, retries included.
    pub request_timeout: Duration,
    /// How long a connection may take.
    pub connect_timeout: Duration,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// Not at all.
    Plaintext,
    /// TLS.
    Ssl,
    /// User and password, readable on the way.
    SaslPlaintext,
    /// User and password over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Whether connections are encrypted.
    pub const fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    /// Whether the brokers ask who we are.
    pub const fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// Who we are.
#[derive(Clone, Debug)]
pub struct Sasl {
    /// How the password is proved.
    pub mechanism: SaslMechanism,
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// How a password is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslMechanism {
    /// It is sent.
    Plain,
    /// Challenge and response with SHA-256.
    ScramSha256,
    /// Challenge and response with SHA-512.
    ScramSha512,
}

impl KafkaConfig {
    /// Declares the variables. What belongs together is checked where `home` has its events on Kafka.
    pub fn declare(settings: &mut Settings, home: &HomeConfig, client_id: &str) -> Self {
        let used = home.events == EventsHome::Kafka;
        let security = security(settings);
        let config = Self {
            brokers: home.kafka_brokers.clone(),
            client_id: client_id.to_owned(),
            topic_prefix: topic_prefix(settings),
            security,
            sasl: sasl(settings, used && security.has_sasl()),
            ca_cert: settings
                .optional("KAFKA_CA_CERT", "PEM file of the authorities of the brokers' certificates")
                .map(PathBuf::from),
            request_timeout: timeout(
                settings,
                "KAFKA_REQUEST_TIMEOUT",
                "5s",
                "for a request with its retries",
            ),
            connect_timeout: timeout(settings, "KAFKA_CONNECT_TIMEOUT", "3s", "for a connection to a broker"),
        };
        if used && security.has_tls() && config.ca_cert.is_none() {
            settings.refuse("KAFKA_CA_CERT", "must be a PEM file: ssl and sasl_ssl check the brokers by it");
        }
        config
    }
}

fn security(settings: &mut Settings) -> SecurityProtocol {
    let protocols = [
        ("plaintext", SecurityProtocol::Plaintext),
        ("ssl", SecurityProtocol::Ssl),
        ("sasl_plaintext", SecurityProtocol::SaslPlaintext),
        ("sasl_ssl", SecurityProtocol::SaslSsl),
    ];
    settings
        .choice("KAFKA_SECURITY_PROTOCOL", "plaintext", &protocols, "how connections to Kafka are protected")
        .unwrap_or(SecurityProtocol::Plaintext)
}

fn sasl(settings: &mut Settings, used: bool) -> Option<Sasl> {
    const RULE: &str = "must be set: sasl_plaintext and sasl_ssl ask for it";
    let mechanisms = [
        ("plain", SaslMechanism::Plain),
        ("scram-sha-256", SaslMechanism::ScramSha256),
        ("scram-sha-512", SaslMechanism::ScramSha512),
    ];
    let mechanism =
        settings.choice("KAFKA_SASL_MECHANISM", "plain", &mechanisms, "how the password is proved to Kafka");
    let username = settings.optional("KAFKA_SASL_USERNAME", "user at Kafka");
    let password = settings.optional_secret("KAFKA_SASL_PASSWORD", "password at Kafka");
    if !used {
        return None;
    }
    for (name, missing) in
        [("KAFKA_SASL_USERNAME", username.is_none()), ("KAFKA_SASL_PASSWORD", password.is_none())]
    {
        if missing {
            settings.refuse(name, RULE);
        }
    }
    Some(Sasl { mechanism: mechanism?, username: username?, password: password? })
}

fn topic_prefix(settings: &mut Settings) -> String {
    let prefix = settings.text("KAFKA_TOPIC_PREFIX", "", "stands before the names of all topics");
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !prefix.bytes().all(legal) {
        settings.refuse("KAFKA_TOPIC_PREFIX", "must be letters, digits, dots, underscores and hyphens");
    }
    prefix
}

fn timeout(settings: &mut Settings, name: &'static str, default: &str, what: &'static str) -> Duration {
    let timeout = settings.duration(name, default, what);
    if timeout.is_zero() {
        settings.refuse(name, "must be a time above 0, such as 5s");
    }
    timeout
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(pairs: &[(&'static str, &'static str)]) -> (KafkaConfig, Result<(), String>) {
        let events = [("STORAGE", "server"), ("KAFKA_BROKERS", "a:9092,b:9092")];
        let mut settings = Settings::from_pairs(events.into_iter().chain(pairs.iter().copied()));
        let home = HomeConfig::declare(&mut settings);
        let config = KafkaConfig::declare(&mut settings, &home, "test");
        (config, settings.finish().map_err(|error| error.to_string()))
    }

    #[test]
    fn a_plain_broker_needs_its_address_only() {
        let (config, outcome) = declared(&[]);
        assert_eq!(outcome, Ok(()));
        assert_eq!(config.brokers, ["a:9092", "b:9092"]);
        assert_eq!(config.security, SecurityProtocol::Plaintext);
        assert!(config.sasl.is_none() && config.topic_prefix.is_empty());
        assert_eq!((config.request_timeout.as_secs(), config.connect_timeout.as_secs()), (5, 3));
    }

    #[test]
    fn what_belongs_together_is_asked_for_at_once() {
        let text = declared(&[("KAFKA_SECURITY_PROTOCOL", "sasl_ssl")]).1.unwrap_err();
        for name in ["KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD", "KAFKA_CA_CERT"] {
            assert!(text.contains(name), "{name}: {text}");
        }
        let embedded = declared(&[
            ("EVENTS", "embedded"),
            ("DATA_DIR", "/data"),
            ("KAFKA_SECURITY_PROTOCOL", "sasl_ssl"),
        ]);
        assert_eq!(embedded.1, Ok(()), "a home that is not in use needs nothing");
    }

    #[test]
    fn a_full_configuration_is_read() {
        let (config, outcome) = declared(&[
            ("KAFKA_SECURITY_PROTOCOL", "sasl_ssl"),
            ("KAFKA_SASL_MECHANISM", "scram-sha-512"),
            ("KAFKA_SASL_USERNAME", "shop"),
            ("KAFKA_SASL_PASSWORD", "hunter2"),
            ("KAFKA_CA_CERT", "/etc/ca.pem"),
            ("KAFKA_TOPIC_PREFIX", "blue."),
        ]);
        assert_eq!(outcome, Ok(()));
        assert!(!format!("{config:?}").contains("hunter2"));
        let sasl = config.sasl.unwrap();
        assert_eq!((sasl.mechanism, sasl.username.as_str()), (SaslMechanism::ScramSha512, "shop"));
        assert_eq!(sasl.password.expose(), "hunter2");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let text = declared(&[("KAFKA_TOPIC_PREFIX", "a/b"), ("KAFKA_REQUEST_TIMEOUT", "0s")]).1.unwrap_err();
        assert!(text.contains("KAFKA_TOPIC_PREFIX (\"a/b\")"), "{text}");
        assert!(text.contains("KAFKA_REQUEST_TIMEOUT (\"0s\")"), "{text}");
    }
}
