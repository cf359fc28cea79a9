//! What is wrong with a channel's settings, found at start.

use kernel_application::BoxError;

/// A setting no sender can be made of. Never repeats the setting: addresses of webhooks and mail servers hold secrets.
#[derive(Debug, thiserror::Error)]
#[error("{setting} must be {allowed}")]
pub struct ChannelError {
    setting: &'static str,
    allowed: &'static str,
    #[source]
    source: Option<BoxError>,
}

impl ChannelError {
    pub(crate) const fn new(setting: &'static str, allowed: &'static str) -> Self {
        Self { setting, allowed, source: None }
    }

    pub(crate) fn because(self, source: impl Into<BoxError>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// The variable's name.
    pub const fn setting(&self) -> &'static str {
        self.setting
    }

    /// What it may be.
    pub const fn allowed(&self) -> &'static str {
        self.allowed
    }
}
