//! E-mail, over SMTP.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{Error, response::Category},
};
use notification_application::{Channel, NotificationChannel, SendError};
use notification_domain::Notification;
use shaku::{Component, Keyed};

use crate::{ChannelError, Senders};

/// How long the server may take for each of its answers; less than the whole attempt may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The e-mail channel; on where it has a sender.
#[derive(Component)]
#[shaku(interface = NotificationChannel)]
pub struct EmailChannel {
    #[shaku(inject)]
    senders: Arc<dyn Senders>,
}

impl EmailChannel {
    /// A channel that takes its sender from `senders`.
    pub fn new(senders: Arc<dyn Senders>) -> Self {
        Self { senders }
    }
}

impl Keyed for EmailChannel {
    type KeyType = Channel;
    const KEY: Channel = Channel::Email;
}

#[async_trait]
impl NotificationChannel for EmailChannel {
    fn is_on(&self) -> bool {
        self.senders.email().is_some()
    }

    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        match self.senders.email() {
            Some(sender) => sender.send(notification).await,
            None => Err(SendError::Failed { reason: "channel is off".to_owned(), source: None }),
        }
    }
}

/// Where mails go out, and who they are from and for.
#[derive(Clone)]
pub struct EmailSettings {
    /// `smtp://[user:password@]host[:port][?tls=required|opportunistic]` or `smtps://…`.
    pub smtp_url: String,
    /// The sender: an address, or `Name <address>`.
    pub from: String,
    /// The domain of users whose id is not an address itself.
    pub user_domain: String,
}

/// Sends mails through one server.
#[derive(Clone)]
pub struct EmailSender {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    user_domain: String,
}

impl EmailSender {
    /// A sender for these settings; connects only when it sends.
    pub fn new(settings: EmailSettings) -> Result<Self, ChannelError> {
        let url = || {
            ChannelError::new("SMTP_URL", "smtp://[user:password@]host[:port][?tls=required] or smtps://…")
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.smtp_url)
            .map_err(|_| url())?
            .timeout(Some(TIMEOUT))
            .build();
        let from = settings
            .from
            .parse()
            .map_err(|_| ChannelError::new("EMAIL_FROM", "an address or `Name <address>`"))?;
        if Address::new("user", &settings.user_domain).is_err() {
            return Err(ChannelError::new("EMAIL_DOMAIN", "the domain of a mail address"));
        }
        Ok(Self { transport, from, user_domain: settings.user_domain })
    }

    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        let message = self.message(notification)?;
        self.transport.send(message).await.map(drop).map_err(judge)
    }

    fn message(&self, notification: &Notification) -> Result<Message, SendError> {
        let state = notification.snapshot();
        let to = self.recipient(state.user_id.as_str())?;
        // The same id on every attempt lets mail systems drop a repeated one.
        let message_id = format!("<{}@{}>", state.id, self.from.email.domain());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(state.message.subject.clone())
            .message_id(Some(message_id))
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("X-Event-Id"),
                state.event_id.to_string(),
            ))
            .header(ContentType::TEXT_PLAIN)
            .body(state.message.body.clone())
            .map_err(|source| SendError::Refused {
                reason: "mail cannot be written".to_owned(),
                source: Some(source.into()),
            })
    }

    /// A user id with an `@` is an address; any other is a mailbox of the user domain.
    fn recipient(&self, user: &str) -> Result<Address, SendError> {
        let address = if user.contains('@') { user.parse() } else { Address::new(user, &self.user_domain) };
        address.map_err(|source| SendError::Refused {
            reason: "user id is no mail address".to_owned(),
            source: Some(Box::new(source)),
        })
    }
}

/// A 55x is about this mail or mailbox and stays; other refusals (a login, say) are about us and can be put right.
fn judge(error: Error) -> SendError {
    let refused = error.is_permanent()
        && error.status().is_some_and(|code| matches!(code.category, Category::MailSystem));
    let reason = match error.status() {
        Some(code) => format!("mail server answered {code}"),
        None if error.is_timeout() => "mail server did not answer in time".to_owned(),
        None => "mail server cannot be reached".to_owned(),
    };
    let source = Some(error.into());
    if refused { SendError::Refused { reason, source } } else { SendError::Failed { reason, source } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> EmailSettings {
        EmailSettings {
            smtp_url: "smtp://user:pass@mail.example.org:2525".into(),
            from: "Shop <shop@example.org>".into(),
            user_domain: "localhost".into(),
        }
    }

    #[tokio::test]
    async fn users_are_addresses_or_have_one() {
        let sender = EmailSender::new(settings()).unwrap();
        let to = |user| sender.recipient(user).map(|address| address.to_string());
        assert_eq!(to("ada@example.org").unwrap(), "ada@example.org");
        assert_eq!(to("ada").unwrap(), "ada@localhost");
        assert!(matches!(to("a@b@c"), Err(SendError::Refused { .. })));
    }

    #[tokio::test]
    async fn wrong_settings_are_named_without_their_secrets() {
        let wrong = |change: fn(&mut EmailSettings)| {
            let mut settings = settings();
            change(&mut settings);
            EmailSender::new(settings).err().unwrap()
        };
        let error = wrong(|settings| settings.smtp_url = "http://user:pass@host".into());
        assert_eq!(error.setting(), "SMTP_URL");
        assert!(!format!("{error:?}").contains("pass@"), "{error:?}");
        assert_eq!(wrong(|settings| settings.from = "nobody".into()).setting(), "EMAIL_FROM");
        assert_eq!(wrong(|settings| settings.user_domain = "a b".into()).setting(), "EMAIL_DOMAIN");
    }
}
