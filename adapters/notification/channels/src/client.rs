//! The HTTP client of the Slack and webhook channels.

use std::time::Duration;

use notification_application::SendError;
use reqwest::{Client, Response, StatusCode, Url, redirect::Policy};

use crate::ChannelError;

const CONNECT: Duration = Duration::from_secs(3);
/// Less than an attempt may take, so that the failure says what was waited for.
const ANSWER: Duration = Duration::from_secs(5);

/// A client with timeouts that follows no redirects: a message goes where it was configured to go, or nowhere.
pub fn http_client() -> Result<Client, ChannelError> {
    // Fails where one is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder()
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .redirect(Policy::none())
        .user_agent(concat!("notification-service/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|source| {
            ChannelError::new("SSL_CERT_FILE", "a file with the certificates this machine trusts")
                .because(source)
        })
}

/// Checks the address in `setting`, for configurations that name all mistakes at once.
pub fn check_address(setting: &'static str, url: &str) -> Result<(), ChannelError> {
    address(setting, url).map(drop)
}

/// Reads a channel's address.
pub(crate) fn address(setting: &'static str, url: &str) -> Result<Url, ChannelError> {
    let invalid = || ChannelError::new(setting, "an http:// or https:// address");
    Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(invalid)
}

/// Judges an answer. What the receiver finds wrong with this very message will not become right by repeating it;
/// everything else may.
pub(crate) fn judge(peer: &'static str, result: reqwest::Result<Response>) -> Result<(), SendError> {
    let response = result.map_err(|error| unreachable(peer, error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let reason = format!("{peer} answered {}", status.as_u16());
    Err(match status {
        StatusCode::BAD_REQUEST
        | StatusCode::GONE
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => SendError::Refused { reason, source: None },
        _ => SendError::Failed { reason, source: None },
    })
}

fn unreachable(peer: &'static str, error: reqwest::Error) -> SendError {
    let what = if error.is_timeout() { "did not answer in time" } else { "cannot be reached" };
    // The address is a secret: without it, the error may be logged.
    SendError::Failed { reason: format!("{peer} {what}"), source: Some(error.without_url().into()) }
}
