//! E-mail, Slack and webhook channels.
//!
//! Each is registered in the module under its [`Channel`](notification_application::Channel) and is on where [`Senders`]
//! has a sender for it. A new channel is a new file here, a variant of the enum and a line in the module.

mod client;
mod email;
mod error;
mod senders;
mod slack;
mod webhook;

pub use client::{check_address, http_client};
pub use email::{EmailChannel, EmailSender, EmailSettings};
pub use error::ChannelError;
pub use senders::{ConfiguredSenders, ConfiguredSendersParameters, Senders};
pub use slack::{SlackChannel, SlackSender};
pub use webhook::{WebhookChannel, WebhookSender, sign};
