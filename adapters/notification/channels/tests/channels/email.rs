use notification_application::{Channel, NotificationChannel, SendError, testing::sample_on};
use notification_channels::{ConfiguredSenders, EmailChannel, EmailSender, EmailSettings};
use tokio::net::TcpListener;

use crate::smtp_server::SmtpServer;

fn channel(smtp_url: &str) -> EmailChannel {
    let settings = EmailSettings {
        smtp_url: smtp_url.to_owned(),
        from: "Shop <shop@example.org>".to_owned(),
        user_domain: "users.example.org".to_owned(),
    };
    let email = Some(EmailSender::new(settings).unwrap());
    EmailChannel::new(ConfiguredSenders { email, ..ConfiguredSenders::default() }.shared())
}

#[tokio::test]
async fn a_mail_goes_to_the_user() {
    let server = SmtpServer::answering("250 ok").await;
    let notification = sample_on(1, "ada", Channel::Email);
    channel(&server.url).send(&notification).await.unwrap();
    let [mail] = &server.mails()[..] else { panic!("{:?}", server.mails()) };
    assert_eq!((&*mail.from, &*mail.to), ("shop@example.org", &["ada@users.example.org".to_owned()][..]));
    assert!(mail.text.contains("Subject: Payment completed: 129.90 USD\r\n"), "{}", mail.text);
    assert!(mail.text.contains("Content-Type: text/plain; charset=utf-8\r\n"), "{}", mail.text);
    assert!(mail.text.contains("Total: 129.90 USD\r\n"), "{}", mail.text);
    let id = format!("Message-ID: <{}@example.org>\r\n", notification.snapshot().id);
    assert!(mail.text.contains(&id), "{}", mail.text);
    let event = format!("X-Event-Id: {}\r\n", notification.snapshot().event_id);
    assert!(mail.text.contains(&event), "{}", mail.text);
}

#[tokio::test]
async fn an_unknown_mailbox_is_final() {
    let server = SmtpServer::answering("550 no such user ada").await;
    let error = channel(&server.url).send(&sample_on(1, "ada", Channel::Email)).await.unwrap_err();
    assert!(matches!(error, SendError::Refused { .. }), "{error:?}");
    assert_eq!(error.to_string(), "mail server answered 550");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_busy_server_is_tried_again() {
    for answer in ["451 try later", "530 log in first"] {
        let server = SmtpServer::answering(answer).await;
        let error = channel(&server.url).send(&sample_on(1, "ada", Channel::Email)).await.unwrap_err();
        assert!(matches!(error, SendError::Failed { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = channel(&url).send(&sample_on(1, "ada", Channel::Email)).await.unwrap_err();
    assert!(matches!(error, SendError::Failed { .. }), "{error:?}");
    assert_eq!(error.to_string(), "mail server cannot be reached");
}

#[tokio::test]
async fn without_settings_it_is_off() {
    let channel = EmailChannel::new(ConfiguredSenders::default().shared());
    assert!(!channel.is_on());
    assert!(channel.send(&sample_on(1, "ada", Channel::Email)).await.is_err());
}
