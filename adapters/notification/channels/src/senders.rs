//! The senders that are configured.

use std::sync::Arc;

use shaku::{Component, Interface};

use crate::{EmailSender, SlackSender, WebhookSender};

/// Hands each channel its sender. Channels are registered by key, and components registered so cannot take parameters
/// themselves.
pub trait Senders: Interface {
    /// The e-mail sender; `None` where the channel is off.
    fn email(&self) -> Option<&EmailSender>;
    /// The Slack sender; `None` where the channel is off.
    fn slack(&self) -> Option<&SlackSender>;
    /// The webhook sender; `None` where the channel is off.
    fn webhook(&self) -> Option<&WebhookSender>;
}

/// The senders made from the configuration.
#[derive(Clone, Component, Default)]
#[shaku(interface = Senders)]
pub struct ConfiguredSenders {
    /// Sends mails.
    pub email: Option<EmailSender>,
    /// Posts to Slack.
    pub slack: Option<SlackSender>,
    /// Posts signed requests.
    pub webhook: Option<WebhookSender>,
}

impl ConfiguredSenders {
    /// The senders as a component that channels share.
    pub fn shared(self) -> Arc<dyn Senders> {
        Arc::new(self)
    }
}

impl Senders for ConfiguredSenders {
    fn email(&self) -> Option<&EmailSender> {
        self.email.as_ref()
    }

    fn slack(&self) -> Option<&SlackSender> {
        self.slack.as_ref()
    }

    fn webhook(&self) -> Option<&WebhookSender> {
        self.webhook.as_ref()
    }
}
