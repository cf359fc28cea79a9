//! A signed request to an endpoint of the shop's choice.
//!
//! `X-Signature` is `sha256=` and the hex of HMAC-SHA256, keyed by `WEBHOOK_SECRET`, over `X-Timestamp`, a dot and the
//! body as sent. Receivers compare it in constant time, refuse old timestamps, and tell duplicates by `X-Event-Id`.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::SecondsFormat;
use hmac::{Hmac, KeyInit, Mac};
use kernel_application::Clock;
use notification_application::{Channel, NotificationChannel, SendError};
use notification_domain::Notification;
use reqwest::{Client, Url, header::CONTENT_TYPE};
use serde_json::json;
use sha2::Sha256;
use shaku::{Component, Keyed};

use crate::{
    ChannelError, Senders,
    client::{address, judge},
};

/// The webhook channel; on where it has a sender.
#[derive(Component)]
#[shaku(interface = NotificationChannel)]
pub struct WebhookChannel {
    #[shaku(inject)]
    senders: Arc<dyn Senders>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
}

impl WebhookChannel {
    /// A channel that takes its sender from `senders`.
    pub fn new(senders: Arc<dyn Senders>, clock: Arc<dyn Clock>) -> Self {
        Self { senders, clock }
    }
}

impl Keyed for WebhookChannel {
    type KeyType = Channel;
    const KEY: Channel = Channel::Webhook;
}

#[async_trait]
impl NotificationChannel for WebhookChannel {
    fn is_on(&self) -> bool {
        self.senders.webhook().is_some()
    }

    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        match self.senders.webhook() {
            Some(sender) => sender.send(notification, self.clock.now().timestamp()).await,
            None => Err(SendError::Failed { reason: "channel is off".to_owned(), source: None }),
        }
    }
}

/// Posts signed notifications to one address.
#[derive(Clone)]
pub struct WebhookSender {
    client: Client,
    url: Url,
    secret: Vec<u8>,
}

impl WebhookSender {
    /// A sender for `WEBHOOK_URL`, signing with `WEBHOOK_SECRET`.
    pub fn new(client: Client, url: &str, secret: &str) -> Result<Self, ChannelError> {
        if secret.is_empty() {
            return Err(ChannelError::new("WEBHOOK_SECRET", "set where WEBHOOK_URL is"));
        }
        Ok(Self { client, url: address("WEBHOOK_URL", url)?, secret: secret.into() })
    }

    async fn send(&self, notification: &Notification, timestamp: i64) -> Result<(), SendError> {
        let body = body(notification);
        let signature = sign(&self.secret, timestamp, &body);
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("X-Event-Id", notification.snapshot().event_id.to_string())
            .header("X-Timestamp", timestamp)
            .header("X-Signature", signature)
            .body(body);
        judge("webhook", request.send().await)
    }
}

/// The value of `X-Signature`: `timestamp` in seconds since 1970, `body` as sent.
pub fn sign(secret: &[u8], timestamp: i64, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn body(notification: &Notification) -> String {
    let state = notification.snapshot();
    json!({
        "id": state.id.to_string(),
        "event_id": state.event_id.to_string(),
        "event_type": state.event_type.as_str(),
        "user_id": state.user_id.as_str(),
        "payment_id": state.payment_id.to_string(),
        "amount": state.amount.to_string(),
        "currency": state.amount.currency().as_str(),
        "subject": state.message.subject,
        "body": state.message.body,
        "created_at": state.created_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_any_other_tool_does() {
        // printf '1767225600.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let expected = "sha256=539b0e21b535c5201ef7d1453c0a0de4ad132293226de9018be0cfbf0092faa6";
        assert_eq!(sign(b"0123456789abcdef", 1_767_225_600, r#"{"a":1}"#), expected);
    }

    #[test]
    fn without_a_secret_nothing_is_sent() {
        let client = crate::http_client().unwrap();
        let error = WebhookSender::new(client, "http://localhost/hook", "").err().unwrap();
        assert_eq!(error.setting(), "WEBHOOK_SECRET");
    }
}
