//! Why a peer's answer cannot be used.

use kernel_application::{BoxError, HealthCheck};
use payment_application::PeerFailure;
use platform_grpc::{Peer, PeerError};

/// The peer failed, or was not reached.
pub(crate) fn failed(error: PeerError) -> PeerFailure {
    PeerFailure { peer: error.peer(), source: error.into() }
}

/// The peer answered, but what it says makes no sense.
pub(crate) fn unreadable(peer: &Peer, source: impl Into<BoxError>) -> PeerFailure {
    PeerFailure { peer: peer.name(), source: source.into() }
}
