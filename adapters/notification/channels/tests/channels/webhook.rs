use std::sync::Arc;

use kernel_application::{Clock, testing::ManualClock};
use notification_application::{Channel, NotificationChannel, SendError, testing::sample_on};
use notification_channels::{ConfiguredSenders, WebhookChannel, WebhookSender, http_client, sign};
use serde_json::Value;

use crate::http_server::HttpServer;

const SECRET: &str = "a secret of some length";

fn channel(url: &str) -> WebhookChannel {
    let webhook = Some(WebhookSender::new(http_client().unwrap(), url, SECRET).unwrap());
    let senders = ConfiguredSenders { webhook, ..ConfiguredSenders::default() }.shared();
    WebhookChannel::new(senders, Arc::new(ManualClock::default()))
}

#[tokio::test]
async fn it_is_signed_and_accepted_after_two_failures() {
    let server = HttpServer::answering(&[500, 500]).await;
    let (channel, notification) = (channel(&server.url), sample_on(1, "ada", Channel::Webhook));
    for _ in 0..2 {
        let error = channel.send(&notification).await.unwrap_err();
        assert!(matches!(error, SendError::Failed { .. }), "{error:?}");
        assert_eq!(error.to_string(), "webhook answered 500");
    }
    channel.send(&notification).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        let timestamp: i64 = request.headers["x-timestamp"].parse().unwrap();
        assert_eq!(timestamp, ManualClock::default().now().timestamp());
        assert_eq!(request.headers["x-signature"], sign(SECRET.as_bytes(), timestamp, &request.body));
        assert_eq!(request.headers["x-event-id"], notification.snapshot().event_id.to_string());
        assert_eq!(request.headers["content-type"], "application/json");
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body["amount"], "129.90");
        assert_eq!(body["event_type"], "payment.completed.v1");
        assert_eq!(body["user_id"], "ada");
    }
}

#[tokio::test]
async fn a_changed_body_breaks_the_signature() {
    let server = HttpServer::answering(&[]).await;
    channel(&server.url).send(&sample_on(1, "ada", Channel::Webhook)).await.unwrap();
    let request = server.requests().remove(0);
    let timestamp = request.headers["x-timestamp"].parse().unwrap();
    let forged = request.body.replace("129.90", "1.00");
    assert_ne!(request.headers["x-signature"], sign(SECRET.as_bytes(), timestamp, &forged));
    assert_ne!(request.headers["x-signature"], sign(SECRET.as_bytes(), timestamp + 1, &request.body));
    assert_ne!(
        request.headers["x-signature"],
        sign(b"another secret of some length", timestamp, &request.body)
    );
}
