//! Reads the environment into typed values. Every problem is collected, so that one start names them all.
//!
//! Each variable is declared where it is read; `--help` and `--config-schema` come out of the same declarations. An empty
//! variable counts as not set. A new kind of value is a method here with its rule in words.

mod secret;
mod value;

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

pub use self::{secret::Secret, value::duration};

/// The environment, and what has been read from it. It holds secrets, so it cannot be printed.
pub struct Settings {
    values: BTreeMap<String, String>,
    declared: Vec<Variable>,
    problems: Vec<(String, String)>,
}

/// One declared variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it holds: `number`, `text`, `choice`, `duration`, `flag`, `url`, `list`, `secret`.
    pub kind: &'static str,
    /// The value where it is not set; `None` where there is none.
    pub default: Option<String>,
    /// Which values are allowed, in words.
    pub allowed: String,
    /// What it is for.
    pub description: &'static str,
    /// Whether its value must never be shown.
    pub secret: bool,
}

/// All that is wrong with the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError(Vec<String>);

impl Settings {
    /// The process's environment.
    pub fn from_env() -> Self {
        let mut settings = Self::from_pairs([]);
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            // Bytes that are not UTF-8 turn into a character that every rule but free text refuses.
            let value = value.to_string_lossy().into_owned();
            settings.values.insert(name, value);
        }
        settings
    }

    /// An environment made of pairs, for tests.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let values = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { values, declared: Vec::new(), problems: Vec::new() }
    }

    /// Text of any kind.
    pub fn text(&mut self, name: &'static str, default: &str, description: &'static str) -> String {
        self.read(("text", "any text"), name, Some(default), description, |text| Some(text.to_owned()))
            .unwrap_or_default()
    }

    /// Text that may be missing: what it is for is then off.
    pub fn optional(&mut self, name: &'static str, description: &'static str) -> Option<String> {
        self.read(("text", "any text"), name, None, description, |text| Some(text.to_owned()))
    }

    /// A whole number that fits its type.
    pub fn number<N: value::Number>(
        &mut self,
        name: &'static str,
        default: N,
        description: &'static str,
    ) -> N {
        self.number_in(name, default, N::MIN..=N::MAX, description)
    }

    /// A whole number of a range.
    pub fn number_in<N: value::Number>(
        &mut self,
        name: &'static str,
        default: N,
        range: RangeInclusive<N>,
        description: &'static str,
    ) -> N {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let parse = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        self.read(("number", &allowed), name, Some(&default.to_string()), description, parse)
            .unwrap_or(default)
    }

    /// One of a few words; `default` is one of them.
    pub fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        default: &str,
        words: &[(&str, T)],
        description: &'static str,
    ) -> Option<T> {
        let allowed = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or ");
        let parse = |text: &str| words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        self.read(("choice", &allowed), name, Some(default), description, parse)
    }

    /// A time such as `30s`, `1m`, `24h` or `500ms`.
    pub fn duration(&mut self, name: &'static str, default: &str, description: &'static str) -> Duration {
        self.read(("duration", value::DURATION), name, Some(default), description, duration)
            .unwrap_or_default()
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str, default: bool, description: &'static str) -> bool {
        let parse = |text: &str| match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        let shown = default.to_string();
        self.read(("flag", "true or false"), name, Some(&shown), description, parse).unwrap_or(default)
    }

    /// An `http` or `https` URL.
    pub fn url(&mut self, name: &'static str, default: &str, description: &'static str) -> String {
        let parse = |text: &str| value::is_url(text).then(|| text.trim_end_matches('/').to_owned());
        self.read(("url", value::URL), name, Some(default), description, parse).unwrap_or_default()
    }

    /// An `http` or `https` URL that may be missing.
    pub fn optional_url(&mut self, name: &'static str, description: &'static str) -> Option<String> {
        self.read(("url", value::URL), name, None, description, |text| {
            value::is_url(text).then(|| text.to_owned())
        })
    }

    /// `host:port`, perhaps with `http://` before it.
    pub fn address(&mut self, name: &'static str, default: &str, description: &'static str) -> String {
        let parse = |text: &str| value::is_address(text).then(|| text.to_owned());
        self.read(("address", value::ADDRESS), name, Some(default), description, parse).unwrap_or_default()
    }

    /// Items with commas between; blanks around them are dropped, empty ones too.
    pub fn list(&mut self, name: &'static str, default: &str, description: &'static str) -> Vec<String> {
        let parse = |text: &str| {
            let items: Vec<String> =
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
            (!items.is_empty()).then_some(items)
        };
        self.read(("list", "one or more items, separated by commas"), name, Some(default), description, parse)
            .unwrap_or_default()
    }

    /// A type with its own syntax; `allowed` is its rule in words. `default` follows the rule.
    pub fn parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        default: &str,
        allowed: &str,
        description: &'static str,
    ) -> Option<T> {
        self.read(("text", allowed), name, Some(default), description, |text| text.parse().ok())
    }

    /// A secret. `staging` and `production` refuse a default that is not empty.
    pub fn secret(&mut self, name: &'static str, default: &str, description: &'static str) -> Secret {
        self.secret_if(true, name, default, description)
    }

    /// A secret of something that may be not in use, as the server of the other home: a default that opens nothing is
    /// no reason to refuse a start.
    pub fn secret_if(
        &mut self,
        used: bool,
        name: &'static str,
        default: &str,
        description: &'static str,
    ) -> Secret {
        let environment = self.values.get("ENVIRONMENT").map(String::as_str);
        let guarded = used && matches!(environment, Some("staging" | "production")) && !default.is_empty();
        let parse = |text: &str| (!guarded || text != default).then(|| Secret::new(text));
        let allowed = if guarded { "a secret of your own, not the default" } else { "any text" };
        self.read(("secret", allowed), name, Some(default), description, parse).unwrap_or_default()
    }

    /// A secret that may be missing.
    pub fn optional_secret(&mut self, name: &'static str, description: &'static str) -> Option<Secret> {
        self.read(("secret", "any text"), name, None, description, |text| Some(Secret::new(text)))
    }

    /// Notes a problem that only several variables together show. Each variable is named once: what is said last knows
    /// most.
    pub fn refuse(&mut self, name: &str, rule: impl Display) {
        let shown = match self.values.get(name).filter(|value| !value.is_empty()) {
            Some(value) if !self.is_secret(name) => format!("{value:?}"),
            Some(_) => secret::REDACTED.to_owned(),
            None => "not set".to_owned(),
        };
        let problem = format!("{name} ({shown}): {rule}");
        match self.problems.iter_mut().find(|(of, _)| of == name) {
            Some((_, known)) => *known = problem,
            None => self.problems.push((name.to_owned(), problem)),
        }
    }

    /// The declarations so far, in order.
    pub fn variables(&self) -> &[Variable] {
        &self.declared
    }

    /// `Err` with all problems where there is one.
    pub fn finish(self) -> Result<(), SettingsError> {
        let problems: Vec<String> = self.problems.into_iter().map(|(_, problem)| problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(SettingsError(problems)) }
    }

    fn read<T>(
        &mut self,
        (kind, allowed): (&'static str, &str),
        name: &'static str,
        default: Option<&str>,
        description: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let (default, secret) = (default.map(str::to_owned), kind == "secret");
        let allowed = allowed.to_owned();
        let variable = Variable { name, kind, default: default.clone(), allowed, description, secret };
        let set = self.values.get(name).filter(|value| !value.is_empty()).cloned();
        let value = set.or(default);
        let parsed = value.as_deref().and_then(parse);
        let rule = format!("must be {}", variable.allowed);
        self.declared.push(variable);
        if value.is_some() && parsed.is_none() {
            self.refuse(name, rule);
        }
        parsed
    }

    fn is_secret(&self, name: &str) -> bool {
        self.declared.iter().any(|variable| variable.name == name && variable.secret)
    }
}

impl SettingsError {
    /// Each problem: variable, value, and what is allowed.
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("configuration is wrong")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_hold_where_nothing_is_set() {
        let mut settings = Settings::from_pairs([("EMPTY", "")]);
        assert_eq!(settings.number("PORT", 8080_u16, "HTTP port"), 8080);
        assert_eq!(settings.text("EMPTY", "x", ""), "x");
        assert_eq!(settings.duration("TTL", "24h", ""), Duration::from_hours(24));
        assert_eq!(settings.list("BROKERS", "a:1, b:2,", ""), ["a:1", "b:2"]);
        assert_eq!(settings.url("PROVIDER_URL", "http://localhost:8090/", ""), "http://localhost:8090");
        assert!(settings.flag("ENABLED", true, ""));
        assert_eq!(settings.optional("SMTP_URL", ""), None);
        assert_eq!(settings.finish(), Ok(()));
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let mut settings = Settings::from_pairs([
            ("PORT", "70000"),
            ("TTL", "soon"),
            ("MODE", "fast"),
            ("ENABLED", "yes"),
            ("PROVIDER_URL", "localhost"),
            ("PEER", "localhost"),
            ("CURRENCY", "usd"),
            ("BROKERS", " , "),
        ]);
        settings.number("PORT", 8080_u16, "");
        settings.duration("TTL", "24h", "");
        settings.choice("MODE", "slow", &[("slow", 1), ("quick", 2)], "");
        settings.flag("ENABLED", true, "");
        settings.url("PROVIDER_URL", "http://localhost:8090", "");
        settings.address("PEER", "localhost:50050", "");
        settings.parsed::<kernel_domain::Currency>("CURRENCY", "USD", "three capital letters", "");
        settings.list("BROKERS", "a:1", "");
        let error = settings.finish().unwrap_err();
        assert_eq!(error.problems().len(), 8, "{error}");
        let text = error.to_string();
        assert!(text.contains(r#"PORT ("70000"): must be a whole number from 0 to 65535"#), "{text}");
        assert!(text.contains(r#"MODE ("fast"): must be slow or quick"#), "{text}");
    }

    #[test]
    fn default_secrets_stay_at_home() {
        for (environment, password, fine) in [
            ("development", "", true),
            ("staging", "", false),
            ("production", "password", false),
            ("production", "correct horse", true),
        ] {
            let mut settings =
                Settings::from_pairs([("ENVIRONMENT", environment), ("DB_PASSWORD", password)]);
            settings.secret("DB_PASSWORD", "password", "");
            assert_eq!(settings.finish().is_ok(), fine, "{environment} {password}");
        }
    }

    #[test]
    fn the_default_secret_of_what_is_not_used_is_fine() {
        for (used, fine) in [(true, false), (false, true)] {
            let mut settings = Settings::from_pairs([("ENVIRONMENT", "production")]);
            settings.secret_if(used, "DB_PASSWORD", "password", "");
            assert_eq!(settings.finish().is_ok(), fine, "{used}");
        }
    }

    #[test]
    fn each_variable_is_named_once() {
        let mut settings = Settings::from_pairs([("PAUSE", "soon")]);
        settings.duration("PAUSE", "2s", "");
        settings.refuse("OTHER", "must be set");
        settings.refuse("PAUSE", "must be 1ms to 1h");
        let error = settings.finish().unwrap_err();
        assert_eq!(
            error.problems(),
            [r#"PAUSE ("soon"): must be 1ms to 1h"#, "OTHER (not set): must be set"]
        );
    }

    #[test]
    fn secrets_are_never_shown() {
        let mut settings = Settings::from_pairs([("KEY", "hunter2"), ("ENVIRONMENT", "production")]);
        let secret = settings.secret("KEY", "", "");
        assert_eq!(secret.expose(), "hunter2");
        settings.refuse("KEY", "must be longer");
        let text = format!("{secret:?} {secret} {}", settings.finish().unwrap_err());
        assert!(!text.contains("hunter2"), "{text}");
    }
}
