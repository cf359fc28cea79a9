//! The channel to merchants: calls them back over HTTP, with a signature by which they know the caller.

mod sender;
mod signature;

pub use sender::{CallbackClient, HttpCallbackSender, HttpCallbackSenderParameters};
pub use signature::SigningKey;
