//! The sandbox's variables.

use std::path::PathBuf;

use platform_runtime::{CommonConfig, Configuration, Secret, Settings};
use provider_application::commands::create_charge::Holds;

/// What the sandbox is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub common: CommonConfig,
    /// Where the ledger lies.
    pub data_dir: PathBuf,
    /// What callbacks are signed with.
    pub callback_secret: Secret,
    /// How long late answers are held back.
    pub holds: Holds,
}

impl Configuration for Config {
    fn declare(settings: &mut Settings) -> Self {
        let common = CommonConfig::declare(settings, 8090);
        let data_dir = settings.optional("DATA_DIR", "folder of the ledger, required");
        if data_dir.is_none() {
            settings.refuse("DATA_DIR", "must be a folder");
        }
        Self {
            common,
            data_dir: data_dir.map(PathBuf::from).unwrap_or_default(),
            callback_secret: settings.secret(
                "CALLBACK_SECRET",
                "sandbox-secret",
                "what callbacks are signed with",
            ),
            holds: Holds {
                slow: settings.duration("SLOW_ANSWER", "2s", "how late tok_slow is answered"),
                held: settings.duration(
                    "HELD_ANSWER",
                    "30s",
                    "how late tok_timeout_after_charge is answered",
                ),
            },
        }
    }

    fn common(&self) -> &CommonConfig {
        &self.common
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_named_at_once() {
        let mut settings = Settings::from_pairs([("ENVIRONMENT", "production"), ("SLOW_ANSWER", "soon")]);
        Config::declare(&mut settings);
        let problems = settings.finish().unwrap_err().to_string();
        for variable in ["DATA_DIR", "CALLBACK_SECRET", "SLOW_ANSWER"] {
            assert!(problems.contains(variable), "{problems}");
        }
    }
}
