//! E-mail, Slack and webhook channels.
