use notification_application::{Channel, NotificationChannel, SendError, testing::sample_on};
use notification_channels::{ConfiguredSenders, SlackChannel, SlackSender, http_client};
use serde_json::Value;

use crate::http_server::HttpServer;

fn channel(url: &str) -> SlackChannel {
    let slack = Some(SlackSender::new(http_client().unwrap(), url).unwrap());
    SlackChannel::new(ConfiguredSenders { slack, ..ConfiguredSenders::default() }.shared())
}

#[tokio::test]
async fn a_message_goes_to_the_channel() {
    let server = HttpServer::answering(&[]).await;
    channel(&server.url).send(&sample_on(1, "ada", Channel::Slack)).await.unwrap();
    let [request] = &server.requests()[..] else { panic!("{:?}", server.requests()) };
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with("*Payment completed: 129.90 USD*\n"), "{text}");
    assert!(text.ends_with("User: ada"), "{text}");
}

#[tokio::test]
async fn a_revoked_webhook_is_tried_again_and_a_bad_message_is_not() {
    for (status, again) in [(404, true), (429, true), (503, true), (302, true), (400, false)] {
        let server = HttpServer::answering(&[status]).await;
        let error = channel(&server.url).send(&sample_on(1, "ada", Channel::Slack)).await.unwrap_err();
        assert_eq!(matches!(error, SendError::Failed { .. }), again, "{error:?}");
        assert_eq!(error.to_string(), format!("Slack answered {status}"));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn the_address_stays_out_of_errors() {
    let error = channel("http://127.0.0.1:1/secret").send(&sample_on(1, "ada", Channel::Slack)).await;
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), "Slack cannot be reached");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
