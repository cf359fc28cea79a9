//! The ways a notification reaches somebody.

use std::{fmt, str::FromStr};

use kernel_domain::Violation;

/// A way to reach a user or an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The list and the live stream: always on, delivered by being stored.
    InApp,
    /// A mail to the user.
    Email,
    /// A message to the shop's Slack channel.
    Slack,
    /// A signed HTTP request to the shop's own endpoint.
    Webhook,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 4] = [Self::InApp, Self::Email, Self::Slack, Self::Webhook];
    /// The channels that send something somewhere.
    pub const SENDING: [Self; 3] = [Self::Email, Self::Slack, Self::Webhook];

    /// The stable name in stores and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InApp => "in_app",
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Webhook => "webhook",
        }
    }
}

impl FromStr for Channel {
    type Err = Violation;

    fn from_str(name: &str) -> Result<Self, Violation> {
        let unknown =
            || Violation::new("channel", "unknown_channel", "must be in_app, email, slack or webhook");
        Self::ALL.into_iter().find(|channel| channel.as_str() == name).ok_or_else(unknown)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for channel in Channel::ALL {
            assert_eq!(channel.as_str().parse(), Ok(channel));
        }
        assert!("fax".parse::<Channel>().is_err());
    }
}
