//! Slack, by an incoming webhook.

use std::sync::Arc;

use async_trait::async_trait;
use notification_application::{Channel, NotificationChannel, SendError};
use notification_domain::Notification;
use reqwest::{Client, Url};
use serde_json::json;
use shaku::{Component, Keyed};

use crate::{
    ChannelError, Senders,
    client::{address, judge},
};

/// The Slack channel; on where it has a sender.
#[derive(Component)]
#[shaku(interface = NotificationChannel)]
pub struct SlackChannel {
    #[shaku(inject)]
    senders: Arc<dyn Senders>,
}

impl SlackChannel {
    /// A channel that takes its sender from `senders`.
    pub fn new(senders: Arc<dyn Senders>) -> Self {
        Self { senders }
    }
}

impl Keyed for SlackChannel {
    type KeyType = Channel;
    const KEY: Channel = Channel::Slack;
}

#[async_trait]
impl NotificationChannel for SlackChannel {
    fn is_on(&self) -> bool {
        self.senders.slack().is_some()
    }

    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        match self.senders.slack() {
            Some(sender) => sender.send(notification).await,
            None => Err(SendError::Failed { reason: "channel is off".to_owned(), source: None }),
        }
    }
}

/// Posts to one incoming webhook.
#[derive(Clone)]
pub struct SlackSender {
    client: Client,
    url: Url,
}

impl SlackSender {
    /// A sender for `SLACK_WEBHOOK_URL`.
    pub fn new(client: Client, url: &str) -> Result<Self, ChannelError> {
        Ok(Self { client, url: address("SLACK_WEBHOOK_URL", url)? })
    }

    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        let request = self.client.post(self.url.clone()).json(&json!({ "text": text(notification) }));
        judge("Slack", request.send().await)
    }
}

fn text(notification: &Notification) -> String {
    let state = notification.snapshot();
    let message = &state.message;
    format!(
        "*{}*\n{}\nUser: {}",
        escape(&message.subject),
        escape(&message.body),
        escape(state.user_id.as_str())
    )
}

/// Slack reads these three as the start of links, mentions and entities.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_mentioned_by_a_product_name() {
        assert_eq!(escape("<!channel> a & b"), "&lt;!channel&gt; a &amp; b");
    }

    #[test]
    fn only_http_addresses_are_taken() {
        let client = crate::http_client().unwrap();
        for bad in ["", "hooks.slack.com", "ftp://x/y", "http://"] {
            assert!(SlackSender::new(client.clone(), bad).is_err(), "{bad}");
        }
        assert!(SlackSender::new(client, "https://hooks.slack.com/services/T/B/x").is_ok());
    }
}
