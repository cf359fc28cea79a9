//! What a service is told of its issuer.

use std::{path::PathBuf, sync::Arc};

use platform_runtime::{Environment, Secret, Settings, SystemClock};
use platform_telemetry::component;
use reqwest::Url;
use slog::{Logger, warn};
use tokio::runtime::Handle;

use crate::{
    Authenticator, ServiceToken,
    keys::Keys,
    source::{FileSource, Source, Timing, UrlSource},
    verifier::{Issuer, Verifier},
};

/// The variables of identity.
#[derive(Clone, Debug)]
pub struct IdentitySettings {
    /// `None` where authentication is switched off.
    trust: Option<Trust>,
    service_token: Option<PathBuf>,
}

/// Whose tokens are believed.
#[derive(Clone, Debug)]
struct Trust {
    keys: KeysAt,
    issuer: Issuer,
}

#[derive(Clone, Debug)]
enum KeysAt {
    File(PathBuf),
    Url(Url),
}

/// Authentication cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no client for the URL of the keys.
    #[error("a client for AUTH_JWKS_URL")]
    Client(#[source] reqwest::Error),
    /// The task that follows the keys has nowhere to run.
    #[error("a runtime for the task that follows the issuer's keys")]
    Runtime(#[source] tokio::runtime::TryCurrentError),
}

const NEEDED: &str = "must be set, or AUTH_MODE be off";

impl IdentitySettings {
    /// Declares the variables of a service that is called.
    pub fn declare(settings: &mut Settings, environment: Environment) -> Self {
        let off = is_off(settings);
        Self { trust: trust(settings, environment, off), service_token: None }
    }

    /// Declares the variables of a service that also calls others, which has to prove itself to them.
    pub fn declare_caller(settings: &mut Settings, environment: Environment) -> Self {
        let off = is_off(settings);
        let trust = trust(settings, environment, off);
        let name = "SERVICE_TOKEN_FILE";
        let file = settings
            .optional(name, "file with the token this service shows to others; read anew when it changes");
        if file.is_none() && !off {
            settings.refuse(name, NEEDED);
        }
        Self { trust, service_token: file.map(PathBuf::from) }
    }

    /// What edges ask. Begins to follow the issuer's keys, which need not be there yet, and says so in the log where
    /// authentication is off. Call it once, inside a runtime that lives as long as the service.
    pub fn authenticator(&self, logger: &Logger) -> Result<Authenticator, BuildError> {
        let logger = component(logger, "identity");
        let Some(Trust { keys, issuer }) = &self.trust else {
            warn!(logger, "AUTH_MODE is off: every caller may do everything");
            return Ok(Authenticator::off());
        };
        let (source, timing): (Box<dyn Source>, Timing) = match keys {
            KeysAt::File(path) => (Box::new(FileSource::new(path.clone())), Timing::FILE),
            KeysAt::Url(url) => {
                let source = UrlSource::new(url.clone()).map_err(BuildError::Client)?;
                (Box::new(source), Timing::URL)
            }
        };
        let runtime = Handle::try_current().map_err(BuildError::Runtime)?;
        let keys = Keys::follow(source, timing, logger, &runtime);
        Ok(Authenticator::new(Verifier::new(keys, issuer, Arc::new(SystemClock))))
    }

    /// What this service shows to those it calls; `None` where it has nothing to show. Call it once: clones share what
    /// they read.
    pub fn service_token(&self, logger: &Logger) -> Option<ServiceToken> {
        self.service_token.as_ref().map(|path| ServiceToken::new(path, logger))
    }
}

fn is_off(settings: &mut Settings) -> bool {
    let modes = [("required", false), ("off", true)];
    settings
        .choice("AUTH_MODE", "required", &modes, "off trusts every caller: for tests only")
        .unwrap_or_default()
}

fn trust(settings: &mut Settings, environment: Environment, off: bool) -> Option<Trust> {
    let file = settings.optional("AUTH_JWKS_FILE", "file with the issuer's public keys, a JSON Web Key Set");
    // Some issuers want a key in it, and a mistake could be a password: it is shown to nobody.
    let url =
        settings.optional_secret("AUTH_JWKS_URL", "where the issuer publishes its keys; or a file has them");
    let issuer = settings.optional("AUTH_ISSUER", "the issuer: `iss` of every token");
    let audience = settings.optional("AUTH_AUDIENCE", "for whom tokens are made: in `aud` of every token");
    if off {
        return None;
    }
    for (name, value) in [("AUTH_ISSUER", &issuer), ("AUTH_AUDIENCE", &audience)] {
        if value.is_none() {
            settings.refuse(name, NEEDED);
        }
    }
    let keys = keys_at(settings, environment, file, url);
    let (keys, name, audience) = (keys?, issuer?, audience?);
    Some(Trust { keys, issuer: Issuer { name, audience } })
}

fn keys_at(
    settings: &mut Settings,
    environment: Environment,
    file: Option<String>,
    url: Option<Secret>,
) -> Option<KeysAt> {
    match (file, url) {
        (Some(file), None) => Some(KeysAt::File(file.into())),
        (None, Some(url)) => match fit(url.expose(), environment) {
            Ok(url) => Some(KeysAt::Url(url)),
            Err(rule) => {
                settings.refuse("AUTH_JWKS_URL", rule);
                None
            }
        },
        (Some(_), Some(_)) => {
            settings.refuse("AUTH_JWKS_URL", "keys are at one place: set this or AUTH_JWKS_FILE, not both");
            None
        }
        (None, None) => {
            settings.refuse("AUTH_JWKS_FILE", "must be set, or AUTH_JWKS_URL, or AUTH_MODE be off");
            None
        }
    }
}

/// The URL, or the rule that it breaks.
fn fit(url: &str, environment: Environment) -> Result<Url, &'static str> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or("must be a URL that begins with http:// or https://")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password: keys are public");
    }
    // Whoever can change an answer on its way could put in a key of their own, and be anybody.
    if environment != Environment::Development && !is_private(&url) {
        return Err("must be https, except to this machine or in development");
    }
    Ok(url)
}

/// Nobody in between can change what such a URL answers.
fn is_private(url: &Url) -> bool {
    let here = |host: &str| host == "localhost" || host == "127.0.0.1" || host == "[::1]";
    url.scheme() == "https" || url.host_str().is_some_and(here)
}

#[cfg(test)]
mod tests {
    use platform_telemetry::silent;

    use super::*;

    const TRUST: [(&str, &str); 3] = [
        ("AUTH_JWKS_FILE", "/keys/jwks.json"),
        ("AUTH_ISSUER", "https://issuer.test"),
        ("AUTH_AUDIENCE", "shop"),
    ];

    fn read(
        declare: fn(&mut Settings, Environment) -> IdentitySettings,
        environment: Environment,
        pairs: &[(&str, &str)],
    ) -> Result<IdentitySettings, Vec<String>> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let identity = declare(&mut settings, environment);
        settings.finish().map(|()| identity).map_err(|error| error.problems().to_vec())
    }

    fn named(problems: &[String], names: &[&str]) {
        assert_eq!(problems.len(), names.len(), "{problems:?}");
        for name in names {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
    }

    #[test]
    fn authentication_is_required_unless_it_is_switched_off() {
        let problems = read(IdentitySettings::declare, Environment::Development, &[]).unwrap_err();
        named(&problems, &["AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS_FILE"]);
        let problems = read(IdentitySettings::declare_caller, Environment::Development, &TRUST).unwrap_err();
        named(&problems, &["SERVICE_TOKEN_FILE"]);
        let off = [("AUTH_MODE", "off")];
        let identity = read(IdentitySettings::declare_caller, Environment::Development, &off).unwrap();
        assert!(identity.authenticator(&silent()).unwrap().is_off());
        assert!(identity.service_token(&silent()).is_none());
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let problems = read(IdentitySettings::declare_caller, Environment::Development, &[]).unwrap_err();
        named(&problems, &["AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS_FILE", "SERVICE_TOKEN_FILE"]);
    }

    #[test]
    fn every_wrong_value_is_named() {
        let pairs = [("AUTH_MODE", "optional"), ("AUTH_JWKS_URL", "issuer.test/keys")];
        let problems = read(IdentitySettings::declare, Environment::Development, &pairs).unwrap_err();
        named(&problems, &["AUTH_MODE", "AUTH_JWKS_URL", "AUTH_ISSUER", "AUTH_AUDIENCE"]);
    }

    #[test]
    fn the_url_has_no_password_and_what_is_wrong_with_it_does_not_show_it() {
        for url in [
            "https://me:hidden@issuer.test/keys",
            "https://hidden@issuer.test",
            "ftp://me:hidden@issuer.test",
        ] {
            let pairs: Vec<_> = TRUST[1..].iter().copied().chain([("AUTH_JWKS_URL", url)]).collect();
            let problems = read(IdentitySettings::declare, Environment::Development, &pairs).unwrap_err();
            named(&problems, &["AUTH_JWKS_URL"]);
            assert!(!problems[0].contains("hidden"), "{problems:?}");
        }
    }

    #[test]
    fn keys_are_at_one_place() {
        let url = ("AUTH_JWKS_URL", "https://issuer.test/keys");
        let both: Vec<_> = TRUST.into_iter().chain([url]).collect();
        named(
            &read(IdentitySettings::declare, Environment::Development, &both).unwrap_err(),
            &["AUTH_JWKS_URL"],
        );
        let one: Vec<_> = TRUST[1..].iter().copied().chain([url]).collect();
        assert!(read(IdentitySettings::declare, Environment::Production, &one).is_ok());
    }

    #[test]
    fn keys_do_not_cross_a_network_in_the_clear() {
        for (url, environment, fine) in [
            ("http://issuer.test/keys", Environment::Development, true),
            ("http://issuer.test/keys", Environment::Staging, false),
            ("http://issuer.test/keys", Environment::Production, false),
            ("http://localhost.issuer.test/keys", Environment::Production, false),
            ("http://127.0.0.1:9000/keys", Environment::Production, true),
            ("http://[::1]/keys", Environment::Production, true),
            ("http://localhost@issuer.test/keys", Environment::Production, false),
        ] {
            let pairs: Vec<_> = TRUST[1..].iter().copied().chain([("AUTH_JWKS_URL", url)]).collect();
            let read = read(IdentitySettings::declare, environment, &pairs);
            assert_eq!(read.is_ok(), fine, "{url} {environment:?}");
        }
    }

    #[test]
    fn following_keys_needs_a_runtime() {
        let identity = read(IdentitySettings::declare, Environment::Development, &TRUST).unwrap();
        assert!(matches!(identity.authenticator(&silent()), Err(BuildError::Runtime(_))));
    }
}
