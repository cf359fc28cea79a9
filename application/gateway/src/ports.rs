//! What the gateway needs from outside: a client for backends, probes, and somebody who counts.

use std::{fmt, net::IpAddr, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use gateway_domain::{Backend, Service};
use http::{HeaderMap, Method, StatusCode};
use kernel_application::{BoxError, CallContext};
use shaku::Interface;

/// A response's body as it arrives; an error breaks the connection to the client.
pub type BodyStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// Sends requests to backends. All requests MUST share one pool of connections.
#[async_trait]
pub trait UpstreamClient: Interface {
    /// Resolves when the head of the answer is there. Both bodies MUST be passed on piece by piece, hop-by-hop headers
    /// MUST stay behind in both directions, and the backend MUST learn of the client, the request id and the trace.
    async fn send(
        &self,
        ctx: &CallContext,
        backend: &Backend,
        request: UpstreamRequest,
    ) -> Result<UpstreamResponse, UpstreamError>;
}

/// Asks a backend whether it is ready.
#[async_trait]
pub trait BackendProbe: Interface {
    /// `Ok` where the backend says that it is ready; otherwise what is wrong, in words.
    async fn probe(&self, backend: &Backend) -> Result<(), String>;
}

/// Counts forwarded requests.
pub trait ForwardObserver: Interface {
    /// Called once for each request that was sent to a backend, when its head is answered or it has failed.
    fn observe(&self, observation: &ForwardObservation<'_>);
}

/// What became of a request at a backend.
#[derive(Clone, Copy, Debug)]
pub struct ForwardObservation<'a> {
    /// The service.
    pub service: Service,
    /// The backend.
    pub backend: &'a Backend,
    /// The backend's status; `None` where it gave none.
    pub status: Option<StatusCode>,
    /// Until the head was answered.
    pub elapsed: Duration,
}

/// A request as a backend is to see it, apart from what [`UpstreamClient::send`] must do to it.
pub struct UpstreamRequest {
    /// The method.
    pub method: Method,
    /// Path and query, byte for byte as the client sent them, without the public prefix.
    pub target: String,
    /// The public prefix that was taken off.
    pub prefix: &'static str,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The client's body.
    pub body: RequestBody,
    /// Who asks.
    pub client: Client,
}

/// Who asks, as this machine saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The other end of the connection.
    pub address: Option<IpAddr>,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The authority that the client asked for.
    pub host: Option<String>,
}

/// A request's body.
pub enum RequestBody {
    /// There is none.
    Empty,
    /// It arrives piece by piece.
    Stream(BoxStream<'static, Result<Bytes, BodyError>>),
}

/// Why a request's body ended early.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than allowed.
    #[error("request body is too large")]
    TooLarge,
    /// The client broke off.
    #[error("request body broke off")]
    Broken,
}

/// A backend's answer, without hop-by-hop headers.
pub struct UpstreamResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: BodyStream,
}

impl fmt::Debug for UpstreamResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why a backend gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The request has no valid target; nothing was sent.
    #[error("request target is malformed")]
    Target(#[source] BoxError),
    /// No connection could be made.
    #[error("connection failed")]
    Connect(#[source] BoxError),
    /// It took too long.
    #[error("timed out ({0})")]
    TimedOut(Stage),
    /// The client's body ended early.
    #[error(transparent)]
    RequestBody(#[from] BodyError),
    /// The backend broke the connection, or its answer is not HTTP.
    #[error("exchange failed")]
    Exchange(#[source] BoxError),
}

/// The parts of an exchange that have a limit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Until a connection is made.
    Connect,
    /// Until the first byte of the answer.
    FirstByte,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::FirstByte => "first byte",
        })
    }
}
