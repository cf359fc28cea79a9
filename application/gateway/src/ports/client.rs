//! Sending a request to a backend.

use std::{fmt, net::IpAddr};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use gateway_domain::{Backend, member::Slot, message::TrustedProxies};
use http::{HeaderValue, Method, StatusCode, uri::PathAndQuery};
use kernel_application::{BoxError, CallContext};
use shaku::Interface;

use crate::Fields;

/// A response's body as it arrives; an error breaks the connection to the client.
pub type BodyStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// Sends requests to backends. All requests that a thread sends MUST share one pool of connections.
#[async_trait]
pub trait UpstreamClient: Interface {
    /// Resolves when the head of the answer is there. Both bodies MUST be passed on piece by piece, hop-by-hop headers
    /// MUST stay behind in both directions, and the backend MUST learn of the client, the request id, the trace and the
    /// time that is left. `body` MUST NOT be polled before there is a connection. Nothing is sent twice, with one exception:
    /// a backend may close a connection that was kept for it just when a request comes, and what is harmless and whole
    /// MUST then be sent once more, over a new connection.
    async fn send(
        &self,
        ctx: &CallContext,
        backend: &Backend,
        request: &UpstreamRequest,
        body: RequestBody,
    ) -> Result<UpstreamResponse, UpstreamError>;
}

/// A request as a backend is to see it, apart from what [`UpstreamClient::send`] must do to it.
#[derive(Debug)]
pub struct UpstreamRequest {
    /// The method.
    pub method: Method,
    /// Path and query, byte for byte as the client sent them, without the public prefix.
    pub target: InnerTarget,
    /// The public prefix that was taken off.
    pub prefix: &'static str,
    /// The client's headers.
    pub headers: Fields,
    /// Who asks.
    pub client: Client,
    /// Whether sending it twice does no more than sending it once.
    pub harmless: bool,
}

impl UpstreamRequest {
    /// A request as a client has sent it, of which nothing is decided yet. It is carried through many hands, and so in a
    /// box.
    pub fn asked(method: Method, target: PathAndQuery, headers: Fields, client: Client) -> Box<Self> {
        Box::new(Self { method, target: target.into(), prefix: "", headers, client, harmless: false })
    }
}

/// The end of a target, from some place of its path on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerTarget {
    whole: PathAndQuery,
    from: usize,
}

impl InnerTarget {
    /// Leaves out the first bytes of the whole target; whether a path is left.
    pub(crate) fn cut(&mut self, from: usize) -> bool {
        self.from = from;
        self.as_str().starts_with('/')
    }

    /// Path and query.
    pub fn as_str(&self) -> &str {
        self.whole.as_str().get(self.from..).unwrap_or_default()
    }

    /// The path.
    pub fn path(&self) -> &str {
        self.whole.path().get(self.from..).unwrap_or_default()
    }
}

impl From<PathAndQuery> for InnerTarget {
    fn from(whole: PathAndQuery) -> Self {
        Self { whole, from: 0 }
    }
}

/// Who asks, as this machine saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The other end of the connection.
    pub address: Option<IpAddr>,
    /// Whether the other end is a proxy whose word on the client counts.
    pub trusted: bool,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The authority that the client asked for; with a request's headers, where none of them says so.
    pub host: Option<HeaderValue>,
}

impl Client {
    /// Finds out whether the other end is to be believed.
    pub(crate) fn judge(&mut self, proxies: &TrustedProxies) {
        self.trusted = self.address.is_some_and(|peer| proxies.contains(peer));
    }
}

/// A request's body.
pub enum RequestBody {
    /// There is none.
    Empty,
    /// It is there already.
    Whole(Bytes),
    /// It arrives piece by piece.
    Stream(BoxStream<'static, Result<Bytes, BodyError>>),
}

/// Why a request's body ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than allowed.
    #[error("request body is too large")]
    TooLarge,
    /// The client broke off.
    #[error("request body broke off")]
    Broken,
    /// The client takes too long.
    #[error("request body did not arrive in time")]
    Slow,
    /// It goes to another backend now.
    #[error("request body was taken back")]
    Withdrawn,
}

/// A backend's answer, without hop-by-hop headers.
pub struct UpstreamResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: Fields,
    /// The body.
    pub body: AnswerBody,
    /// To be kept as long as the body.
    pub held: Held,
}

impl UpstreamResponse {
    /// An answer that holds nothing yet.
    pub fn new(status: StatusCode, headers: Fields, body: impl Into<AnswerBody>) -> Self {
        Self { status, headers, body: body.into(), held: Held(None) }
    }
}

/// An answer's body.
pub enum AnswerBody {
    /// All of it came with its head, as most small ones do.
    Whole(Bytes),
    /// It arrives piece by piece.
    Stream(BodyStream),
}

impl AnswerBody {
    /// Its pieces.
    pub fn into_stream(self) -> BodyStream {
        match self {
            Self::Whole(whole) if whole.is_empty() => Box::pin(stream::empty()),
            Self::Whole(whole) => Box::pin(stream::iter([Ok(whole)])),
            Self::Stream(pieces) => pieces,
        }
    }
}

impl From<BodyStream> for AnswerBody {
    fn from(pieces: BodyStream) -> Self {
        Self::Stream(pieces)
    }
}

impl From<Bytes> for AnswerBody {
    fn from(whole: Bytes) -> Self {
        Self::Whole(whole)
    }
}

/// The request's place at its backend. Drop it when the last byte of the answer has been passed on, or nobody wants the
/// rest: then it is the next one's.
#[derive(Debug, Default)]
pub struct Held(pub(crate) Option<Slot>);

impl fmt::Debug for UpstreamResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why a backend gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection could be made; the backend has seen nothing of the request.
    #[error("connection failed")]
    Connect(#[source] BoxError),
    /// It took too long.
    #[error("timed out ({0})")]
    TimedOut(Stage),
    /// The client's body ended early.
    #[error(transparent)]
    RequestBody(#[from] BodyError),
    /// The caller is not any more who they were.
    #[error("token has expired")]
    TokenExpired,
    /// The backend broke the connection, or its answer is not HTTP.
    #[error("exchange failed")]
    Exchange(#[source] BoxError),
}

/// The limits on time that a request can run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Until a connection is made.
    Connect,
    /// Until the first byte of the answer.
    FirstByte,
    /// The request's own: the client's wish, or what earlier attempts have left of the gateway's limit.
    Deadline,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::FirstByte => "first byte",
            Self::Deadline => "deadline",
        })
    }
}
