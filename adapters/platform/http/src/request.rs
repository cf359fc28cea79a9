//! Requests as they come over the wire, for a server that reads HTTP/1 by rules that are not its own.

use actix_web::error::PayloadError;
use futures_util::stream::BoxStream;
use http::{Method, Version, uri::PathAndQuery};
use kernel_application::Fields;

use crate::Problem;

/// Reads what comes over one HTTP/1 connection, and decides what is a request.
///
/// [`HttpServer::passage`](crate::HttpServer::passage) takes what makes one for each connection. What is read is decided by
/// the bytes alone, not by the pieces in which they come.
pub trait RequestReader {
    /// Reads the next part of what has come: how many bytes it has, and what they are. `None` where it takes more of them to
    /// tell; then it is called again with the same bytes and more behind them. Never called after an error.
    fn read(&mut self, come: &[u8]) -> Result<Option<(usize, Part)>, Refused>;

    /// Whether more belongs to the request that was read last.
    fn is_within_request(&self) -> bool;

    /// The connection has become a tunnel, as the last request has asked for.
    fn open_tunnel(&mut self);
}

/// Makes a reader for each connection.
pub(crate) type MakeReader = dyn Fn() -> Box<dyn RequestReader> + Send + Sync;

/// What bytes of a connection are.
#[derive(Debug)]
pub enum Part {
    /// The whole head of a request, and what follows it.
    Head(Box<RequestHead>, Follows),
    /// Data of a body, or of a tunnel.
    Data,
    /// What stands around the data of a body.
    Between,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// The next request.
    Nothing,
    /// A body.
    Body,
    /// A tunnel, where the answer is 101. With any other answer the connection ends.
    Tunnel,
}

/// Why a connection ends.
#[derive(Debug)]
pub enum Refused {
    /// What comes is no request: the client gets this answer, after those to the requests before.
    Request(Problem),
    /// The body of a request is malformed: its handler finds that it breaks off, and answers.
    Body,
}

/// The head of a request.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: PathAndQuery,
    /// The host as a part of the target. Over HTTP/1 it is that of the field `Host`, which says it in any case.
    pub authority: Option<Box<str>>,
    /// The version.
    pub version: Version,
    /// The header fields.
    pub fields: Fields,
}

impl RequestHead {
    /// A request for a target in HTTP/1.1.
    pub const fn new(method: Method, target: PathAndQuery, fields: Fields) -> Self {
        Self { method, target, authority: None, version: Version::HTTP_11, fields }
    }
}

/// The body of a request as it comes, no faster than it is taken. `None` where there is none.
pub type IncomingBody = Option<BoxStream<'static, Result<actix_web::web::Bytes, BodyBroken>>>;

/// A body has ended before its end, or is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("request body broke off")]
pub struct BodyBroken;

impl From<BodyBroken> for PayloadError {
    fn from(BodyBroken: BodyBroken) -> Self {
        Self::Incomplete(None)
    }
}
