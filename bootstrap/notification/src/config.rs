//! The environment of the notification service.

use std::time::Duration;

use notification_application::commands::DeliverySettings;
use notification_channels::{ChannelError, EmailSender, EmailSettings, check_address};
use platform_events::EventsConfig;
use platform_identity::IdentitySettings;
use platform_postgres::PgConfig;
use platform_runtime::{CommonConfig, Configuration, Environment, HomeConfig, Secret, Settings};

/// What the service is told.
#[derive(Clone)]
pub struct Config {
    /// What every service is told.
    pub common: CommonConfig,
    /// Whose tokens are believed.
    pub identity: IdentitySettings,
    /// Where the state is kept.
    pub home: HomeConfig,
    /// Where events come from.
    pub events: EventsConfig,
    /// The PostgreSQL of the server home.
    pub db: PgConfig,
    /// How attempts are made.
    pub delivery: DeliverySettings,
    /// The e-mail channel, where it is on.
    pub email: Option<EmailSettings>,
    /// The address of the Slack channel, where it is on. It is a secret: who knows it can post.
    pub slack_webhook_url: Option<Secret>,
    /// The webhook channel, where it is on.
    pub webhook: Option<WebhookConfig>,
}

/// Where signed requests go.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// The address.
    pub url: String,
    /// What they are signed with.
    pub secret: Secret,
}

/// The shortest secret, in bytes, that may sign requests outside development.
const MIN_SECRET: usize = 16;

impl Configuration for Config {
    fn declare(settings: &mut Settings) -> Self {
        let common = CommonConfig::declare(settings, 8084);
        let home = HomeConfig::declare(settings);
        Self {
            identity: IdentitySettings::declare(settings, common.environment),
            db: PgConfig::declare(settings, home.storage, "notification_service"),
            events: EventsConfig::declare(settings, &home, "notification-service"),
            home,
            delivery: delivery(settings).within(common.shutdown_timeout),
            email: email(settings),
            slack_webhook_url: slack(settings),
            webhook: webhook(settings, common.environment),
            common,
        }
    }

    fn common(&self) -> &CommonConfig {
        &self.common
    }
}

fn delivery(settings: &mut Settings) -> DeliverySettings {
    let attempts =
        settings.number_in("DELIVERY_ATTEMPTS", 6, 1..=20, "attempts to send before it has failed");
    let base = pause(
        settings,
        "DELIVERY_BACKOFF",
        "2s",
        "pause after the first failed attempt; then four times as long",
    );
    let cap = pause(settings, "DELIVERY_BACKOFF_MAX", "5m", "longest pause between two attempts");
    DeliverySettings::default().with_retries(attempts, base, cap)
}

fn pause(settings: &mut Settings, name: &'static str, default: &str, description: &'static str) -> Duration {
    let pause = settings.duration(name, default, description);
    if pause.is_zero() || pause > Duration::from_hours(1) {
        settings.refuse(name, "must be 1ms to 1h");
    }
    pause
}

fn email(settings: &mut Settings) -> Option<EmailSettings> {
    let smtp_url = settings.optional_secret("SMTP_URL", "mail server; without it, no mail is sent");
    let from = settings.text("EMAIL_FROM", "shop@localhost", "sender of mails");
    let user_domain =
        settings.text("EMAIL_DOMAIN", "localhost", "mail domain of users whose id is no address itself");
    let email = EmailSettings { smtp_url: smtp_url?.expose().to_owned(), from, user_domain };
    refuse(settings, EmailSender::new(email.clone()).err());
    Some(email)
}

fn slack(settings: &mut Settings) -> Option<Secret> {
    let url = settings.optional_secret("SLACK_WEBHOOK_URL", "incoming webhook; without it, Slack is off")?;
    refuse(settings, check_address("SLACK_WEBHOOK_URL", url.expose()).err());
    Some(url)
}

fn webhook(settings: &mut Settings, environment: Environment) -> Option<WebhookConfig> {
    let url = settings.optional_url("WEBHOOK_URL", "where signed requests go; without it, they are off");
    let secret = settings.optional_secret("WEBHOOK_SECRET", "signs requests, required with WEBHOOK_URL");
    let url = url?;
    refuse(settings, check_address("WEBHOOK_URL", &url).err());
    let secret = secret.unwrap_or_default();
    if secret.is_empty() {
        settings.refuse("WEBHOOK_SECRET", "must be set where WEBHOOK_URL is");
    } else if environment != Environment::Development && secret.expose().len() < MIN_SECRET {
        settings.refuse("WEBHOOK_SECRET", "must have 16 bytes or more outside development");
    }
    Some(WebhookConfig { url, secret })
}

fn refuse(settings: &mut Settings, error: Option<ChannelError>) {
    if let Some(error) = error {
        settings.refuse(error.setting(), format!("must be {}", error.allowed()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let home =
            [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", "/data"), ("AUTH_MODE", "off")];
        let mut settings = Settings::from_pairs(home.into_iter().chain(pairs.iter().copied()));
        let config = Config::declare(&mut settings);
        settings.finish().map(|()| config).map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = read(&[]).ok().unwrap();
        assert_eq!(config.common.port, 8084);
        assert_eq!((config.db.port, &*config.db.name), (5432, "notification_service"));
        assert!(config.email.is_none() && config.slack_webhook_url.is_none() && config.webhook.is_none());
    }

    #[test]
    fn authentication_is_off_only_where_that_is_said() {
        let problems = read(&[("AUTH_MODE", "required")]).err().unwrap();
        for name in ["AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS_FILE"] {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
    }

    #[test]
    fn a_channel_with_its_variable_is_on() {
        let config = read(&[
            ("SMTP_URL", "smtp://localhost:2525"),
            ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x"),
            ("WEBHOOK_URL", "http://localhost:9000/hook"),
            ("WEBHOOK_SECRET", "s3cret"),
        ]);
        let config = config.ok().unwrap();
        assert!(config.email.is_some() && config.slack_webhook_url.is_some() && config.webhook.is_some());
    }

    #[test]
    fn every_wrong_value_is_named_without_its_secret() {
        let wrong = [
            ("PORT", "http"),
            ("DB_PORT", "0"),
            ("DB_SSL_MODE", "maybe"),
            ("DELIVERY_ATTEMPTS", "0"),
            ("DELIVERY_BACKOFF", "0s"),
            ("DELIVERY_BACKOFF_MAX", "2h"),
            ("SMTP_URL", "http://user:hunter2@host"),
            ("SLACK_WEBHOOK_URL", "hunter2"),
            ("WEBHOOK_URL", "localhost"),
        ];
        let problems = read(&wrong).err().unwrap();
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
        for (name, _) in wrong {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
        assert!(!problems.concat().contains("hunter2"), "{problems:?}");
    }

    #[test]
    fn the_password_of_a_server_that_is_not_used_is_not_asked_for() {
        assert!(read(&[("ENVIRONMENT", "production")]).is_ok());
    }

    #[test]
    fn a_pause_that_is_no_time_is_named_once() {
        let problems = read(&[("DELIVERY_BACKOFF", "soon")]).err().unwrap();
        assert!(problems.len() == 1 && problems[0].contains("must be 1ms to 1h"), "{problems:?}");
    }

    #[test]
    fn a_webhook_is_signed_and_outside_development_well() {
        let url = ("WEBHOOK_URL", "http://localhost:9000/hook");
        assert!(read(&[url]).err().unwrap()[0].starts_with("WEBHOOK_SECRET (not set)"));
        let short = [url, ("WEBHOOK_SECRET", "s3cret"), ("ENVIRONMENT", "production")];
        assert!(read(&short).err().unwrap()[0].starts_with("WEBHOOK_SECRET"));
    }
}
