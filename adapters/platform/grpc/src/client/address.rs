//! Where a peer is.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use super::PeerSettings;

/// The address of a peer cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{address:?} is no address of a gRPC peer, expected host:port or http://host:port")]
pub struct PeerAddressError {
    address: String,
    #[source]
    source: Option<tonic::transport::Error>,
}

/// A channel that connects when first used. Pings find a peer that is gone without a word.
pub(super) fn channel(address: &str, settings: &PeerSettings) -> Result<Channel, PeerAddressError> {
    let failed = |source| PeerAddressError { address: address.to_owned(), source };
    let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(url).map_err(|source| failed(Some(source)))?;
    let uri = endpoint.uri();
    let usable = uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty());
    if !usable || uri.port_u16().is_none() {
        return Err(failed(None));
    }
    Ok(endpoint
        .connect_timeout(settings.connect_timeout)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(3))
        .keep_alive_while_idle(true)
        .connect_lazy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn host_and_port_are_enough() {
        for good in ["localhost:50050", "http://localhost:50050", "127.0.0.1:1", "http://[::1]:50050/"] {
            assert!(channel(good, &PeerSettings::default()).is_ok(), "{good}");
        }
        for bad in ["", "localhost", ":50050", "https://localhost:1", "local host:1", "localhost:port"] {
            assert!(channel(bad, &PeerSettings::default()).is_err(), "{bad}");
        }
    }
}
